//! Files that other programs wrote: LibreOffice opens what comes out of its own documents, and archives
//! that are not written here become zip archives with the rest in them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use disarm::{Wish, remove};
use mail::evidence::Active;
use sha2::{Digest, Sha256};
use unpack::formats::ole2::{Cfb, Kind};

use crate::documents::{active, budget, disarmed, members};
use crate::ole2::build::Compound;
use crate::ole2::{again, with_macro_sheet, with_macros};
use crate::{File, read};

/// A file that is kept beside the tests of `unpack`.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../unpack/tests/unpack/samples").join(format!("{name}.b64"));
    let text = fs::read_to_string(path).unwrap();
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    base64_simd::STANDARD.decode_to_vec(text).unwrap()
}

/// Runs LibreOffice on files; `None` when it is not installed.
pub(crate) fn office(folder: &Path, arguments: &[&str], files: &[&str]) -> Option<String> {
    let mut run = Command::new("soffice");
    run.arg(format!("-env:UserInstallation=file://{}/profile", folder.display()));
    run.args(["--headless", "--convert-to"]).args(arguments).arg("--outdir").arg(folder);
    run.args(files.iter().map(|name| folder.join(name)));
    let Ok(output) = run.stdin(Stdio::null()).output() else {
        testkit::peers::skipped("soffice");
        return None;
    };
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// The same file with one of its streams changed, if it has it.
fn with_stream(data: &[u8], name: &str, change: impl Fn(&[u8]) -> Vec<u8>) -> Compound {
    let cfb = Cfb::open(data);
    let mut file = Compound::new();
    for (number, entry) in cfb.entries().filter(|(_, entry)| entry.kind == Kind::Stream) {
        let content = cfb.read(data, number).bytes;
        let content = if entry.name == name { change(&content) } else { content };
        file.stream(&entry.name, &content);
    }
    file
}

const SLIDES: &str = "<?xml version=\"1.0\"?><office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
    xmlns:draw=\"urn:oasis:names:tc:opendocument:xmlns:drawing:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
    xmlns:svg=\"urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0\" office:version=\"1.2\" \
    office:mimetype=\"application/vnd.oasis.opendocument.presentation\"><office:body><office:presentation><draw:page draw:name=\"p\">\
    <draw:frame svg:width=\"9cm\" svg:height=\"2cm\" svg:x=\"1cm\" svg:y=\"1cm\"><draw:text-box><text:p>the text that stays</text:p>\
    </draw:text-box></draw:frame></draw:page></office:presentation></office:body></office:document>";

#[test]
fn libreoffice_opens_its_documents_after_macros_were_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("slides.fodp"), SLIDES).unwrap();
    if office(folder.path(), &["ppt"], &["slides.fodp"]).is_none() {
        return;
    }
    let mut word = again(&sample("doc"));
    with_macros(&mut word, "Macros");
    word.stream("ObjectPool/_1/\u{1}Ole10Native", b"\x2c\0\0\0this is the program that somebody embedded..");
    let mut sheet = with_stream(&sample("xls"), "Workbook", with_macro_sheet);
    with_macros(&mut sheet, "_VBA_PROJECT_CUR");
    let mut cases = vec![("word.doc", word.finish(), "Dear reader"), ("sheet.xls", sheet.finish(), "visible cell")];
    let slides = fs::read(folder.path().join("slides.ppt"));
    // Behind what LibreOffice wrote, so that its records keep their places.
    let behind = Cfb::open(&crate::ole2::presentation());
    let (more, _) = behind.entries().find(|(_, entry)| entry.name == "PowerPoint Document").unwrap();
    let more = behind.read(&crate::ole2::presentation(), more).bytes;
    match slides {
        Ok(slides) => {
            let slides = with_stream(&slides, "PowerPoint Document", |old| [old, &more].concat()).finish();
            cases.push(("slides.ppt", slides, "the text that stays"));
        }
        Err(_) => testkit::peers::skipped("libreoffice-impress"),
    }
    let mut names = Vec::new();
    for (name, data, _) in &cases {
        assert!(!active(data).is_empty(), "{name}");
        let rebuilt = disarmed(data).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(active(&rebuilt.bytes).is_empty(), "{name}: {:?}", active(&rebuilt.bytes));
        fs::write(folder.path().join(name), rebuilt.bytes).unwrap();
        names.push(*name);
    }
    let told = office(folder.path(), &["pdf"], &names).unwrap();
    for (name, _, text) in &cases {
        let path = folder.path().join(name).with_extension("pdf");
        assert!(path.exists(), "{name} is not opened: {told}");
        let Ok(output) = Command::new("pdftotext").arg(&path).arg("-").stdin(Stdio::null()).output() else {
            testkit::peers::skipped("pdftotext");
            return;
        };
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(shown.contains(text), "{name}: {shown}");
    }
}

/// A workbook or presentation with a project of macros, as Office puts one in.
fn with_project(mut files: Vec<File>, main: &str) -> Vec<File> {
    let mut project = Compound::new();
    with_macros(&mut project, "Root");
    let relationships = main.replace("xl/", "xl/_rels/").replace("ppt/", "ppt/_rels/") + ".rels";
    let folder = main.split('/').next().unwrap();
    let mut changed = 0;
    for (name, content) in &mut files {
        let text = String::from_utf8_lossy(content).into_owned();
        let new = if name == "[Content_Types].xml" {
            let text = text
                .replace("openxmlformats-officedocument.spreadsheetml.sheet.main", "ms-excel.sheet.macroEnabled.main");
            let plain = "openxmlformats-officedocument.presentationml.presentation.main";
            let text = text.replace(plain, "ms-powerpoint.presentation.macroEnabled.main");
            let default = "<Default Extension=\"bin\" ContentType=\"application/vnd.ms-office.vbaProject\"/></Types>";
            assert!(text.contains("macroEnabled"), "{text}");
            text.replace("</Types>", default)
        } else if *name == relationships {
            let kind = "http://schemas.microsoft.com/office/2006/relationships/vbaProject";
            let one = format!("<Relationship Id=\"rIdM\" Type=\"{kind}\" Target=\"vbaProject.bin\"/></Relationships>");
            text.replace("</Relationships>", &one)
        } else {
            continue;
        };
        changed += 1;
        *content = new.into_bytes();
    }
    assert_eq!(changed, 2, "{main}");
    files.push((format!("{folder}/vbaProject.bin"), project.finish()));
    files
}

/// A spreadsheet with a library of Basic, as LibreOffice puts one in.
fn with_library(mut files: Vec<File>) -> Vec<File> {
    let module = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><script:module xmlns:script=\"http://openoffice.org/2000/script\" \
                  script:name=\"M\" script:language=\"StarBasic\">Sub Main\nShell \"run\"\nEnd Sub</script:module>";
    let entry = "<manifest:file-entry manifest:full-path=\"Basic/Standard/M.xml\" manifest:media-type=\"text/xml\"/>\
                 </manifest:manifest>";
    let manifest = files.iter_mut().find(|(name, _)| name == "META-INF/manifest.xml").unwrap();
    manifest.1 = String::from_utf8_lossy(&manifest.1).replace("</manifest:manifest>", entry).into_bytes();
    files.push(("Basic/Standard/M.xml".to_owned(), module.as_bytes().to_vec()));
    files
}

/// What LibreOffice shows of files, by their names.
fn shown(folder: &Path, names: &[String]) -> Option<Vec<String>> {
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = office(folder, &["pdf"], &borrowed)?;
    let mut all = Vec::new();
    for name in names {
        let path = folder.join(name).with_extension("pdf");
        assert!(path.exists(), "{name} is not opened: {told}");
        let Ok(output) = Command::new("pdftotext").arg(&path).arg("-").stdin(Stdio::null()).output() else {
            testkit::peers::skipped("pdftotext");
            return None;
        };
        all.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Some(all)
}

#[test]
fn documents_that_libreoffice_wrote_show_the_same_text_when_they_lost_what_acts() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("slides.fodp"), SLIDES).unwrap();
    if office(folder.path(), &["pptx"], &["slides.fodp"]).is_none() {
        return;
    }
    let package = |files: Vec<File>| crate::documents::package(&files, zip::CompressionMethod::Stored);
    let mut cases = vec![
        ("sheet", "xlsx", sample("libreoffice_xlsx"), "xl/workbook.xml"),
        ("written", "xlsx", sample("xlsxwriter"), "xl/workbook.xml"),
        ("cells", "ods", sample("libreoffice_ods"), ""),
        ("letter", "odt", sample("libreoffice_odt_macro"), ""),
    ];
    match fs::read(folder.path().join("slides.pptx")) {
        Ok(slides) => cases.push(("slides", "pptx", slides, "ppt/presentation.xml")),
        Err(_) => testkit::peers::skipped("libreoffice-impress"),
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (name, ending, data, main) in cases {
        let plain = read(&data);
        let acting = match (main, ending) {
            ("", "ods") => package(with_library(plain)),
            ("", _) => data.clone(),
            (main, _) => package(with_project(plain, main)),
        };
        assert!(!active(&acting).is_empty(), "{name}");
        let rebuilt = disarmed(&acting).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(active(&rebuilt.bytes).is_empty(), "{name}: {:?}", active(&rebuilt.bytes));
        assert!(rebuilt.removed.iter().all(|it| it.what.is_some()), "{name}: {:?}", rebuilt.removed);
        for (list, part, bytes) in [(&mut before, "before", data), (&mut after, "after", rebuilt.bytes)] {
            list.push(format!("{name}-{part}.{ending}"));
            fs::write(folder.path().join(list.last().unwrap()), bytes).unwrap();
        }
    }
    let Some(texts) = shown(folder.path(), &[before.clone(), after].concat()) else { return };
    for (at, name) in before.iter().enumerate() {
        assert!(!texts[at].trim().is_empty(), "{name} shows nothing");
        assert_eq!(texts[at], texts[at + before.len()], "{name}");
    }
}

/// A document of LibreOffice in one file of XML, with links in it.
fn linked(kind: &str, around: [&str; 3]) -> String {
    let namespaces: String = ["office", "text", "table", "drawing:draw"]
        .iter()
        .map(|name| {
            let (long, short) = name.split_once(':').unwrap_or((name, name));
            format!(" xmlns:{short}=\"urn:oasis:names:tc:opendocument:xmlns:{long}:1.0\"")
        })
        .collect();
    let svg = "xmlns:svg=\"urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0\"";
    let link = |(shown, to)| format!("<text:a xlink:type=\"simple\" xlink:href=\"{to}\">{shown} words</text:a>");
    let [before, between, after] = around;
    let links = [("odd", ODD), ("plain", PLAIN)].map(link).join(between);
    format!(
        "<?xml version=\"1.0\"?><office:document{namespaces} {svg} xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         office:version=\"1.2\" office:mimetype=\"application/vnd.oasis.opendocument.{kind}\"><office:body>\
         {before}<text:p>{links}</text:p>{after}</office:body></office:document>"
    )
}

/// Where links lead: one that starts a program, and one that shows a page.
const ODD: &str = "ms-msdt:/id%20PCWDiagnostic";
const PLAIN: &str = "https://example.org/page";

/// The name of a document, its ending, the kind of what it is made from, with what stands around its text.
type Linked = (&'static str, &'static str, &'static str, &'static str, [&'static str; 3]);

#[test]
fn links_that_start_programs_lead_nowhere_in_documents_that_libreoffice_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let cell = [
        "<office:spreadsheet><table:table table:name=\"S\"><table:table-row><table:table-cell \
        office:value-type=\"string\">",
        "</text:p></table:table-cell><table:table-cell office:value-type=\"string\"><text:p>",
        "</table:table-cell></table:table-row></table:table></office:spreadsheet>",
    ];
    let page = [
        "<office:presentation><draw:page draw:name=\"p\"><draw:frame svg:width=\"9cm\" svg:height=\"2cm\" \
        svg:x=\"1cm\" svg:y=\"1cm\"><draw:text-box>",
        " and ",
        "</draw:text-box></draw:frame></draw:page></office:presentation>",
    ];
    let cases: [Linked; 3] = [
        ("letter", "doc", "fodt", "text", ["<office:text>", " and ", "</office:text>"]),
        ("cells", "xls", "fods", "spreadsheet", cell),
        ("slides", "ppt", "fodp", "presentation", page),
    ];
    for (name, old, flat, kind, around) in cases {
        fs::write(folder.path().join(format!("{name}.{flat}")), linked(kind, around)).unwrap();
        if office(folder.path(), &[old], &[&format!("{name}.{flat}")]).is_none() {
            return;
        }
        let Ok(data) = fs::read(folder.path().join(format!("{name}.{old}"))) else {
            testkit::peers::skipped("libreoffice-impress, libreoffice-calc");
            continue;
        };
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let holds = |data: &[u8], text: &str| memchr::memmem::find(data, &wide(text)).is_some();
        assert!(active(&data).contains(&Active::Launch) && holds(&data, "ms-msdt:"), "{name}");
        let rebuilt = disarmed(&data).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(active(&rebuilt.bytes).is_empty(), "{name}: {:?}", active(&rebuilt.bytes));
        assert!(!holds(&rebuilt.bytes, "PCWDiagnostic") && holds(&rebuilt.bytes, PLAIN), "{name}");
        // LibreOffice opens it, shows the same, and knows one link.
        fs::write(folder.path().join(format!("new.{old}")), &rebuilt.bytes).unwrap();
        let told = office(folder.path(), &[flat], &[&format!("new.{old}")]).unwrap();
        let text = fs::read_to_string(folder.path().join(format!("new.{flat}"))).unwrap_or_else(|_| panic!("{told}"));
        assert!(text.contains("odd words") && text.contains("plain words"), "{name}");
        assert!(text.contains(PLAIN) && !text.contains("msdt") && !text.contains("PCWDiagnostic"), "{name}");
    }
}

#[test]
fn archives_of_other_programs_become_zip_without_what_was_found() {
    for (name, victim) in [
        ("rar_5", "stest1.txt"),
        ("rar_2", "FILE1.TXT"),
        ("rar_15", ""),
        ("rar_3_solid", ""),
        ("lha", "second.txt"),
        ("cpio_odc_gzip", ""),
        ("cpio_newc_gzip", ""),
    ] {
        let mut data = sample(name);
        if name.ends_with("gzip") {
            data = members(&data).remove(0).content;
        }
        let before: Vec<File> = members(&data)
            .into_iter()
            .map(|member| (member.name.map(|name| name.raw().clone()).unwrap_or_default(), member.content))
            .collect();
        let victim = if victim.is_empty() { before[0].0.clone() } else { victim.to_owned() };
        let content = before.iter().find(|(name, _)| *name == victim).unwrap().1.clone();
        let wish = Wish { remove: [Sha256::digest(&content).into()].into(), ..Wish::default() };
        let kept: Vec<File> = before.into_iter().filter(|(_, other)| *other != content).collect();
        match remove(unpack::detect(&data), &data, &wish, &mut budget()) {
            Ok(rebuilt) => {
                assert_eq!(rebuilt.suffix, ".zip", "{name}");
                assert_eq!(read(&rebuilt.bytes), kept, "{name}");
                crate::archives::tested("unzip", &["-tq"], &rebuilt.bytes, "a.zip");
            }
            Err(why) => assert!(kept.is_empty(), "{name}: {why}"),
        }
    }
}
