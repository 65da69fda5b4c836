//! Disarm on arrival with real programs: swaks sends documents that act, LibreOffice and qpdf open what
//! arrives, and one command gets the original back.

use std::path::Path;
use std::process::Command;

use testkit::{Behaviour, Sink, peers, sample};

use crate::support::{Mailward, run, turn};

#[path = "../../../unpack/tests/unpack/ole2/build.rs"]
#[allow(dead_code)]
mod build;

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// A document of Word with a project of macros that says hello.
fn letter() -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"{PACKAGE}/content-types\">\
         <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"bin\" ContentType=\"application/vnd.ms-office.vbaProject\"/>\
         <Override PartName=\"/word/document.xml\" \
         ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/></Types>"
    );
    let related = |kind: &str, target: &str| {
        format!(
            "<?xml version=\"1.0\"?><Relationships xmlns=\"{PACKAGE}/relationships\">\
             <Relationship Id=\"r\" Type=\"{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let body = "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r>\
        <w:t>the text of the letter</w:t></w:r></w:p></w:body></w:document>";
    let source = "Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nMsgBox \"hello\"\r\nEnd Sub\r\n";
    let mut project = build::Compound::new();
    project.stream("VBA/dir", &build::project(&[("Module1", 0)]));
    project.stream("VBA/_VBA_PROJECT", &[0xcc, 0x61, 0xff, 0xff, 0, 0, 0]);
    project.stream("VBA/Module1", &build::compress(source.as_bytes()));
    project.stream("PROJECT", b"ID=\"{0}\"\r\nModule=Module1\r\n");
    let macros = related("http://schemas.microsoft.com/office/2006/relationships/vbaProject", "vbaProject.bin");
    sample::zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", related(&format!("{OFFICE}/officeDocument"), "word/document.xml").as_bytes()),
        ("word/document.xml", body.as_bytes()),
        ("word/_rels/document.xml.rels", macros.as_bytes()),
        ("word/vbaProject.bin", &project.finish()),
    ])
}

/// A page with a text, and a script at its opening.
fn page() -> Vec<u8> {
    let text = "BT /F1 12 Tf 20 100 Td (the text of the page) Tj ET";
    let objects = [
        "<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.beep\\(0\\))>>>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>\nstream\n{text}\nendstream", text.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    let (mut out, mut table) = ("%PDF-1.6\n".to_owned(), "0000000000 65535 f \n".to_owned());
    for (at, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", out.len());
        out += &format!("{} 0 obj\n{object}\nendobj\n", at + 1);
    }
    let start = out.len();
    out += &format!("xref\n0 6\n{table}trailer\n<</Root 1 0 R/Size 6>>\nstartxref\n{start}\n%%EOF\n");
    out.into_bytes()
}

/// A message with both attached.
fn message() -> Vec<u8> {
    let mut mail = "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.com>\r\nSubject: two documents\r\n\
        Date: Fri, 21 Nov 2025 18:00:00 +0000\r\nMessage-ID: <two@example.org>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"=_mixed\"\r\n\r\n--=_mixed\r\n\
        Content-Type: text/plain; charset=us-ascii\r\n\r\nSee the attachments.\r\n"
        .to_owned();
    for (name, content) in [("letter.docm", letter()), ("page.pdf", page())] {
        mail += &format!(
            "--=_mixed\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            sample::base64(&content)
        );
    }
    (mail + "--=_mixed--\r\n").into_bytes()
}

/// What a program says of a file, when it is content with it.
async fn said(program: &str, arguments: &[&str], path: &Path, more: &[&str]) -> Option<String> {
    let mut command = Command::new(peers::find(program)?);
    command.args(arguments).arg(path).args(more);
    let out = run(command).await;
    let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{program}: {text}");
    Some(text)
}

/// Whether the applications open what arrived, with its text.
async fn applications_open(dir: &Path, letter: &[u8], page: &[u8]) {
    let (docx, pdf) = (dir.join("letter.docx"), dir.join("page.pdf"));
    std::fs::write(&docx, letter).expect("written");
    std::fs::write(&pdf, page).expect("written");
    let profile = format!("-env:UserInstallation=file://{}/profile", dir.display());
    let folder = dir.display().to_string();
    let arguments = [&profile, "--headless", "--convert-to", "txt:Text", "--outdir", &folder];
    if let Some(told) = said("soffice", &arguments, &docx, &[]).await {
        let text = std::fs::read_to_string(dir.join("letter.txt")).unwrap_or(told);
        assert!(text.contains("the text of the letter"), "{text}");
    }
    if let Some(told) = said("qpdf", &["--check"], &pdf, &[]).await {
        assert!(told.contains("No syntax or stream encoding errors"), "{told}");
    }
    if let Some(told) = said("pdftotext", &[], &pdf, &["-"]).await {
        assert!(told.contains("the text of the page"), "{told}");
    }
}

/// One figure of the running program.
async fn figures(port: u16) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("it answers");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.expect("asked");
    let mut all = String::new();
    stream.read_to_string(&mut all).await.expect("answered");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_from_swaks_arrive_without_what_acts_and_the_original_can_be_got_back() {
    let _turn = turn().await;
    let Some(swaks) = peers::swaks() else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let dir = tempfile::tempdir().expect("a directory");
    let policy = dir.path().join("policy.toml");
    std::fs::write(&policy, "[disarm]\nenabled = true\n").expect("written");
    let (port, http) = (testkit::free_port(), testkit::free_port());
    let more = format!("[policy]\nfile = \"{}\"\n", policy.display());
    let config = crate::support::config(port, sink.address(), &more);
    let config = config.replace("[http]\nlisten = \"\"", &format!("[http]\nlisten = \"127.0.0.1:{http}\""));
    let mut daemon = testkit::Daemon::start(crate::support::PROGRAM, &config);
    daemon.wait_banner(port).await;
    let mailward = Mailward { daemon, port };

    let (file, mail) = (dir.path().join("mail.eml"), message());
    // swaks puts the last line end there itself.
    std::fs::write(&file, mail.trim_ascii_end()).expect("written");
    let mut command = Command::new(&swaks);
    command.args(["--server", &mailward.address().to_string(), "--ehlo", "swaks.example.org"]);
    command.args(["--from", "alice@example.org", "--to", "bob@example.com", "--data"]);
    let out = run({
        command.arg(format!("@{}", file.display()));
        command
    })
    .await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));

    let got = String::from_utf8_lossy(&sink.messages()[0].content).into_owned();
    for words in [
        "; action=disarmed; id=",
        "letter.docm.docx",
        "letter.docm.changed.txt",
        "page.pdf.changed.txt",
        "vba: word/vbaProject.bin",
        "Removed:  script",
        "active content is not delivered here",
    ] {
        assert!(got.replace("\r\n ", " ").contains(words), "{words} in {got}");
    }
    let parts = sample::attachments(&got);
    let (letter, page) = (&parts[0], &parts[1]);
    for (part, acts) in [(letter, &b"vbaProject"[..]), (letter, b"macroEnabled"), (page, b"JavaScript")] {
        assert!(!part.windows(acts.len()).any(|window| window == acts), "{}", String::from_utf8_lossy(acts));
    }
    applications_open(dir.path(), letter, page).await;

    let list = mailward.backup().await;
    assert_eq!(list.len(), 1, "{list:?}");
    let entry: serde_json::Value = serde_json::from_str(&list[0]).expect("JSON");
    let back = dir.path().join("original.eml");
    let out =
        mailward.command(&["export", entry["id"].as_str().expect("an id"), "-o", &back.display().to_string()]).await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(std::fs::read(&back).expect("the original") == mail, "byte for byte as it came");

    let figures = figures(http).await;
    for figure in ["mailward_removed_total{what=\"vba\"} 1", "mailward_removed_total{what=\"script\"} "] {
        assert!(figures.contains(figure), "{figure} in {figures}");
    }
}
