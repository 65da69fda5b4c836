//! Files that other programs wrote: LibreOffice opens what comes out of its own documents, and archives
//! that are not written here become zip archives with the rest in them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use disarm::{Wish, remove};
use sha2::{Digest, Sha256};
use unpack::formats::ole2::{Cfb, Kind};

use crate::documents::{active, budget, disarmed, members};
use crate::ole2::build::Compound;
use crate::ole2::{again, with_macro_sheet, with_macros};
use crate::{File, read};

/// A file that is kept beside the tests of `unpack`.
fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../unpack/tests/unpack/samples").join(format!("{name}.b64"));
    let text = fs::read_to_string(path).unwrap();
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    base64_simd::STANDARD.decode_to_vec(text).unwrap()
}

/// Runs LibreOffice on files; `None` when it is not installed.
fn office(folder: &Path, arguments: &[&str], files: &[&str]) -> Option<String> {
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
            }
            Err(why) => assert!(kept.is_empty(), "{name}: {why}"),
        }
    }
}
