//! Disinfection and disarming on the wire: what is delivered, what it says, what is kept.

use judge::policy::{DisarmFailure, DocumentKind, RemoteContent};
use testkit::sample::attachments;
use testkit::{Behaviour, Sink, eicar, sample};

use crate::decisions::{field, has_eicar, text};
use crate::node::Setup;
use crate::{Case, cases, logged};

#[path = "../../../unpack/tests/unpack/ole2/build.rs"]
#[allow(dead_code)]
mod build;

pub(crate) const CASES: &[Case] = cases![
    eicar_leaves_every_container_that_is_made_anew,
    an_archive_that_becomes_zip_says_so,
    documents_are_disarmed_on_arrival_and_the_original_stays,
    a_body_in_html_is_disarmed_where_that_is_chosen,
    a_document_that_cannot_be_disarmed_leaves_a_notice,
];

/// What a program makes of a folder with a readme and EICAR in it; `None` when it is not installed.
fn packed(program: &str, arguments: &[&str], name: &str) -> Option<Vec<u8>> {
    let program = testkit::peers::find(program)?;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("readme.txt"), b"nothing here\r\n").expect("written");
    std::fs::write(folder.path().join("eicar.com"), eicar()).expect("written");
    let mut run = std::process::Command::new(program);
    let run = run.args(arguments).args([name, "readme.txt", "eicar.com"]).current_dir(folder.path());
    let output = run.stdin(std::process::Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(std::fs::read(folder.path().join(name)).expect("an archive"))
}

/// A document of Word with EICAR beside its text.
fn document() -> Vec<u8> {
    let types = "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
        <Default Extension=\"bin\" ContentType=\"application/octet-stream\"/>\
        <Override PartName=\"/word/document.xml\" \
        ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let rels = "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
        <Relationship Id=\"r\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" \
        Target=\"word/document.xml\"/></Relationships>";
    let body = "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r>\
        <w:t>nothing here</w:t></w:r></w:p></w:body></w:document>";
    sample::zip(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", rels.as_bytes()),
        ("word/document.xml", body.as_bytes()),
        ("word/embeddings/a.bin", &eicar()),
    ])
}

/// An Outlook item with a readme and EICAR attached.
fn item() -> Vec<u8> {
    let mut file = build::Compound::new();
    let mut properties = vec![0; 32];
    properties[20] = 2;
    file.stream("__properties_version1.0", &properties);
    for (number, content) in [&b"nothing here\r\n"[..], &eicar()].into_iter().enumerate() {
        file.stream(&format!("__attach_version1.0_#0000000{number}/__substg1.0_37010102"), content);
    }
    file.finish()
}

/// A document of Word 97 with macros that do nothing.
fn with_macros() -> Vec<u8> {
    let source = "Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nMsgBox \"hello\"\r\nEnd Sub\r\n";
    let mut file = build::Compound::new();
    file.stream("Contents", &[b'x'; 5000]);
    file.stream("Macros/VBA/dir", &build::project(&[("Module1", 0)]));
    file.stream("Macros/VBA/Module1", &build::compress(source.as_bytes()));
    file.finish()
}

async fn eicar_leaves_every_container_that_is_made_anew() {
    let zip = sample::zip(&[("readme.txt", b"nothing here\r\n"), ("eicar.com", &eicar())]);
    let mut made = vec![
        ("letter.docx", document()),
        ("item.msg", item()),
        ("outer.zip", sample::zip(&[("inner.zip", &zip), ("beside.txt", b"nothing here\r\n")])),
        (
            "mail.zip",
            sample::zip(&[("inner.eml", &sample::eicar_attached("inner")), ("beside.txt", b"nothing here\r\n")]),
        ),
    ];
    made.extend(packed("7z", &["a", "-bd"], "a.7z").map(|data| ("a.7z", data)));
    made.extend(packed("tar", &["-czf"], "a.tar.gz").map(|data| ("a.tar.gz", data)));
    for (name, data) in made {
        let sink = Sink::start(Behaviour::accept()).await;
        let node = Setup::new().start(&sink).await;
        let mail = sample::with_attachment("archive", name, "application/octet-stream", &data);
        assert_eq!(node.send(&mail).await.code, 250, "{name}");
        let content = text(&sink.messages()[0].content);
        assert!(
            field(&content, "X-Mailward-Status").starts_with("disinfected; action=disinfected"),
            "{name}: {content}"
        );
        assert_eq!(field(&content, "Subject"), "[Message has been processed] archive", "{name}");
        for words in
            ["was changed", &format!("{name}.changed.txt"), "Removed:", "it contained malware", "kept in Backup"]
        {
            assert!(content.contains(words), "{name}: {words} in {content}");
        }
        let parts = attachments(&content);
        assert!(!parts.is_empty() && !parts.iter().any(|part| has_eicar(part)), "{name}");
        assert!(node.kept().1 == mail, "{name}: the copy is the message as it came");
    }
}

async fn an_archive_that_becomes_zip_says_so() {
    let Some(cabinet) = packed("gcab", &["-c"], "a.cab") else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = sample::with_attachment("archive", "a.cab", "application/vnd.ms-cab-compressed", &cabinet);
    assert_eq!(node.send(&mail).await.code, 250);
    let content = text(&sink.messages()[0].content);
    for words in
        ["filename=\"a.cab.zip\"", "Content-Type: application/zip", "Now:      a.cab.zip", "Removed:  eicar.com"]
    {
        assert!(content.contains(words), "{words} in {content}");
    }
    let archive = attachments(&content).remove(0);
    assert!(archive.starts_with(b"PK") && archive.windows(10).any(|window| window == b"readme.txt"));
}

async fn documents_are_disarmed_on_arrival_and_the_original_stays() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().policy(|policy| policy.disarm.enabled = true).start(&sink).await;
    let mail = sample::with_attachment("letter", "letter.doc", "application/msword", &with_macros());
    assert_eq!(node.send(&mail).await.code, 250);
    let content = text(&sink.messages()[0].content);
    assert!(field(&content, "X-Mailward-Status").starts_with("clean; action=disarmed"), "{content}");
    assert_eq!(field(&content, "Subject"), "[Active content removed] letter");
    assert!(field(&content, "X-Mailward-Disarm").starts_with("removed vba in "), "{content}");
    for words in ["letter.doc.changed.txt", "vba: Module1", "active content is not delivered here"] {
        assert!(content.contains(words), "{words} in {content}");
    }
    let new = attachments(&content).remove(0);
    assert!(new.starts_with(b"\xd0\xcf\x11\xe0") && !new.windows(8).any(|window| window == b"Attribut"));
    assert!(node.kept().1 == mail);
    assert_eq!(logged::message().await.get("action"), "disarmed");
}

async fn a_body_in_html_is_disarmed_where_that_is_chosen() {
    let html = "<html><body><p>nothing here</p><img src=\"https://example.org/a.png\"><form action=\"https://example.org/\">\
        <input name=n></form><script>run()</script></body></html>\r\n";
    let mail = format!(
        "From: alice@example.org\r\nTo: bob@example.com\r\nSubject: page\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/html; charset=iso-8859-1\r\n\r\n{html}"
    );
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new()
        .policy(|policy| {
            policy.disarm.enabled = true;
            policy.disarm.documents = vec![DocumentKind::Body];
            policy.disarm.active.push(mail::evidence::Active::Form);
            policy.disarm.remote_content = RemoteContent::Remove;
        })
        .start(&sink)
        .await;
    assert_eq!(node.send(mail.as_bytes()).await.code, 250);
    let content = text(&sink.messages()[0].content);
    for words in ["nothing here", "charset=iso-8859-1", "action=disarmed"] {
        assert!(content.contains(words), "{words} in {content}");
    }
    for gone in ["run()", "example.org/a.png", "<form", "<input"] {
        assert!(!content.contains(gone), "{gone} in {content}");
    }
    assert!(node.kept().1 == mail.as_bytes());
}

async fn a_document_that_cannot_be_disarmed_leaves_a_notice() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new()
        .policy(|policy| {
            policy.disarm.enabled = true;
            policy.disarm.on_failure = DisarmFailure::DeleteObject;
        })
        .start(&sink)
        .await;
    let mut sealed = build::Compound::new();
    sealed.stream("EncryptedPackage", &[7; 200]);
    sealed.stream("Macros/VBA/dir", &build::project(&[("Module1", 0)]));
    sealed.stream(
        "Macros/VBA/Module1",
        &build::compress(b"Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nEnd Sub\r\n"),
    );
    let mail = sample::with_attachment("letter", "letter.doc", "application/msword", &sealed.finish());
    assert_eq!(node.send(&mail).await.code, 250);
    let content = text(&sink.messages()[0].content);
    assert!(content.contains("letter.doc.removed.txt") && content.contains("could not be taken out"), "{content}");
    assert!(node.kept().1 == mail);
}
