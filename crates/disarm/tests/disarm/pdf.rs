//! PDF: what acts in it is gone from the bytes, its text is as it was, and other programs check it.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use disarm::{DisarmError, Wish, remove};
use mail::evidence::Active;
use sha2::{Digest, Sha256};

use crate::documents::{active, budget, disarmed, members};

/// A document of these objects, the first its catalogue.
fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let (mut out, mut places) = (b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n".to_vec(), Vec::new());
    for (at, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", at + 1).into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let size = objects.len() + 1;
    out.extend(format!("trailer\n<</Root 1 0 R/Size {size}>>\nstartxref\n{table}\n%%EOF\n").into_bytes());
    out
}

fn stream(dict: &str, content: &[u8]) -> Vec<u8> {
    [format!("<<{dict}/Length {}>>\nstream\n", content.len()).as_bytes(), content, b"\nendstream"].concat()
}

const VICTIM: &[u8] = b"#!/bin/sh\necho this is what was found\n";
const BILL: &[u8] = b"<?xml version=\"1.0\"?><bill>12.50</bill>";

/// A page with everything that acts on it, two files, and a text.
pub(crate) fn rich() -> Vec<u8> {
    let text = |text: &str| text.as_bytes().to_vec();
    pdf(&[
        text(
            "<</Type/Catalog/Pages 2 0 R/OpenAction 6 0 R/AA<</WC<</S/JavaScript/JS(app.beep)>>>>\
             /Names<</JavaScript<</Names[(a)6 0 R]>>/EmbeddedFiles<</Names[(bill)10 0 R(prog)12 0 R]>>>>\
             /AcroForm<</Fields[]/XFA 8 0 R>>/Lang(en#\\(x\\))>>",
        ),
        text("<</Type/Pages/Kids[3 0 R]/Count 1>>"),
        text(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300.5 -200]/Contents 4 0 R\
             /Resources<</Font<</F1 5 0 R>>>>/Annots[\
             <</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/Launch/F(cmd.exe)>>>>\
             <</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(https://example.org/kept)>>>>\
             <</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(java script:beep)>>>>\
             <</Type/Annot/Subtype/Widget/FT/Btn/Rect[0 0 9 9]/A<</S/SubmitForm/F(https://example.org/form)>>>>\
             <</Type/Annot/Subtype/RichMedia/Rect[0 0 9 9]/RichMediaContent<</Assets 9 0 R>>>>\
             <</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]/FS 12 0 R>>\
             <</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/GoTo/D[3 0 R/Fit]/Next 6 0 R>>>>]>>",
        ),
        stream("", b"BT /F1 12 Tf 20 100 Td (the text that stays) Tj ET"),
        text("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"),
        text("<</S/JavaScript/JS 7 0 R>>"),
        stream("", b"app.launchURL('https://example.org/script')"),
        stream("", b"<xdp><script>xfa.host.beep()</script></xdp>"),
        text("<</Names[]>>"),
        text("<</Type/Filespec/F(bill.xml)/EF<</F 11 0 R>>>>"),
        stream("/Type/EmbeddedFile", BILL),
        text("<</Type/Filespec/F(program.sh)/EF<</F 13 0 R>>>>"),
        stream("/Type/EmbeddedFile", VICTIM),
    ])
}

/// What a program says of a document; `None` when it is not installed.
fn said(program: &str, arguments: &[&str], data: &[u8], more: &[&str]) -> Option<(bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    fs::write(&path, data).unwrap();
    let output = Command::new(program).args(arguments).arg(&path).args(more).stdin(Stdio::null()).output();
    let Ok(output) = output else {
        testkit::peers::skipped(program);
        return None;
    };
    Some((output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

fn checked(data: &[u8]) {
    if let Some((sound, text)) = said("qpdf", &["--check"], data, &[]) {
        assert!(sound && text.contains("No syntax or stream encoding errors"), "{text}");
    }
}

fn text_of(data: &[u8]) -> Option<String> {
    said("pdftotext", &[], data, &["-"]).map(|(sound, text)| {
        assert!(sound, "{text}");
        text
    })
}

/// A document with its objects in streams, and one encrypted with passwords, as qpdf writes them.
fn written(arguments: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.pdf"), folder.path().join("b.pdf"));
    fs::write(&from, rich()).unwrap();
    let output = Command::new("qpdf").args(arguments).arg(&from).arg(&to).stdin(Stdio::null()).output();
    let Ok(output) = output else {
        testkit::peers::skipped("qpdf");
        return None;
    };
    assert!(to.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(fs::read(to).unwrap())
}

fn holds(data: &[u8], text: &str) -> bool {
    data.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn what_acts_is_gone_and_the_text_and_links_stay() {
    let all: BTreeSet<Active> = [Active::Script, Active::Launch, Active::Form, Active::OlePackage].into();
    assert!(active(&rich()).is_superset(&all), "{:?}", active(&rich()));
    let streams = written(&["--object-streams=generate", "--compress-streams=n"]);
    let sealed = written(&["--encrypt", "", "owner", "256", "--"]);
    for data in [Some(rich()), streams, sealed].into_iter().flatten() {
        let rebuilt = disarmed(&data).unwrap();
        assert_eq!(active(&rebuilt.bytes), BTreeSet::new());
        for gone in
            ["JavaScript", "cmd.exe", "app.", "xfa", "SubmitForm", "RichMedia", "program.sh", "found", "Encrypt"]
        {
            assert!(!holds(&rebuilt.bytes, gone), "{gone}");
        }
        for stays in ["https://example.org/kept", "bill.xml", "/GoTo", "300.5 -200"] {
            assert!(holds(&rebuilt.bytes, stays), "{stays}");
        }
        checked(&rebuilt.bytes);
        assert_eq!(text_of(&rebuilt.bytes), text_of(&data));
        let bill = members(&rebuilt.bytes).into_iter().any(|member| member.content == BILL);
        assert!(bill, "other files stay as they were");
        assert!(!rebuilt.removed.is_empty());
    }
}

#[test]
fn a_file_goes_alone_and_one_that_holds_it_is_rebuilt() {
    let sum = |content: &[u8]| <[u8; 32]>::from(Sha256::digest(content));
    let wish = Wish { remove: [sum(VICTIM)].into(), ..Wish::default() };
    let rebuilt = remove(unpack::detect(&rich()), &rich(), &wish, &mut budget()).unwrap();
    checked(&rebuilt.bytes);
    assert!(!holds(&rebuilt.bytes, "this is what was found") && holds(&rebuilt.bytes, "bill>12.50"));
    assert!(active(&rebuilt.bytes).contains(&Active::Script));

    let archive = crate::archive(&[("victim".into(), VICTIM.to_vec()), ("beside".into(), b"beside".to_vec())]);
    let holder = pdf(&[
        b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a)3 0 R]>>>>>>".to_vec(),
        b"<</Type/Pages/Kids[]/Count 0>>".to_vec(),
        b"<</Type/Filespec/F(a.zip)/EF<</F 4 0 R>>>>".to_vec(),
        stream("/Type/EmbeddedFile", &archive),
    ]);
    let wish = Wish { through: [sum(&archive)].into(), ..wish };
    let rebuilt = remove(unpack::detect(&holder), &holder, &wish, &mut budget()).unwrap();
    let new = members(&rebuilt.bytes).into_iter().find(|member| member.content.starts_with(b"PK")).unwrap();
    assert_eq!(crate::read(&new.content), [("beside".to_owned(), b"beside".to_vec())]);
}

#[test]
fn only_what_is_asked_for_goes_and_older_versions_never_stay() {
    let wish = Wish { active: [Active::Launch].into(), ..Wish::default() };
    let rebuilt = remove(unpack::detect(&rich()), &rich(), &wish, &mut budget()).unwrap();
    assert!(!holds(&rebuilt.bytes, "cmd.exe") && holds(&rebuilt.bytes, "app.launchURL"));
    let mut twice = rich();
    let update = b"6 0 obj\n<</S/GoTo/D[3 0 R/Fit]>>\nendobj\n";
    let (place, table) = (twice.len(), twice.len() + update.len());
    twice.extend(update);
    let before = rich().windows(4).rposition(|window| window == b"xref").unwrap();
    let before = rich()[..before].windows(4).rposition(|window| window == b"xref").unwrap();
    let tail = format!(
        "xref\n6 1\n{place:010} 00000 n \ntrailer\n<</Root 1 0 R/Size 14/Prev {before}>>\nstartxref\n{table}\n%%EOF\n"
    );
    twice.extend(tail.into_bytes());
    let rebuilt = remove(unpack::detect(&twice), &twice, &wish, &mut budget()).unwrap();
    assert!(holds(&rebuilt.bytes, "/GoTo") && holds(&rebuilt.bytes, "(a)"), "the new version stays");
    checked(&rebuilt.bytes);
}

#[test]
fn what_is_locked_or_damaged_or_harmless_is_refused() {
    if let Some(data) = written(&["--encrypt", "user", "owner", "256", "--"]) {
        assert_eq!(disarmed(&data).unwrap_err(), DisarmError::Encrypted);
    }
    let plain = pdf(&[
        b"<</Type/Catalog/Pages 2 0 R/OpenAction[3 0 R/Fit]>>".to_vec(),
        b"<</Type/Pages/Kids[]/Count 0>>".to_vec(),
    ]);
    assert_eq!(disarmed(&plain).unwrap_err(), DisarmError::NothingToRemove);
    assert_eq!(disarmed(b"%PDF-1.7\n1 0 obj\n<</JS(x)>>\nendobj\n").unwrap_err(), DisarmError::NotSound);
}

#[test]
fn mutated_pdfs_are_refused_or_lose_what_acts() {
    let data = rich();
    for round in 0..600_usize {
        let mut bad = data.clone();
        for step in 0..=round % 3 {
            let at = (round * 7919 + step * 104_729) % bad.len();
            bad[at] ^= 1 << (round % 8);
        }
        disarm::fuzzing::fuzz_disarm(&bad);
    }
}

/// A document of which a fuzzer destroyed the end of a string.
const OPEN_STRING: &str = "JVBERi0xLjcKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyAvUGFnZXMgMiAwIFIgL09wZW5BY3Rpb24gPDwgL1MgL0phdmFTY3JpcHQg\
    L0pTIChhcHAuYWxlcnRcKCdoZWxsbydcKSkgPj4gL05hbWVzIDw8IC9FbWJlZGRlZEZpbGVzIDw8IC9OYW1lcyBbKGEudHh0AAEzIDAg\
    Ul0gPj4gPj4gPj4KZW5kb2JqCjIgMCBvYmoKPDwgL1R5cGUgL1BhZ2VzIC9LaWRzIFszIDAgUl0gL0NvdW50IDEgPj4KZW5kb2JqCjMg\
    MCBvYmoKPDwgL1R5cGUgL1BhZ2UgL1BhcmVudDIgICAwUiAvTWVkaWFCb3ggWzAgMCAyMDAgMjAwXSAvQ29udGVudHMgNCAwIFIgL1Jl\
    c291cmNlcyA8PCAvRm9udCA8PCAvRjEgPMnIzvXaJWUgL1R5cGUxIC9CYXNlRm9udCAvSGVsdmV0X2NhID4+ID4+ID4+ID4+CmVuZG9i\
    ago0IDAgb2JqCjw8IC9MZW5ndGggNTIgL0ZpbHRlciAvRmxhdGVEZWNvZGUgPj4Kc3RyZWFtCniccwpR0HczVDA0UghJU///////////\
    //////8wMlAwNDBQCElR0PBIzcnJV0itSMwtyEnVVAjJUnANAQDwQAvNCmVuZHN0cmVhbQplbmRvYmoKNSAwIG9iago8PCAvVHlwZSAv\
    RW1iZWRkZWRGaWxlIC9MZW5ndGggNSA+PgpzdHJlYW0KaGVsbG8KZW5kc3RyZaJtMDAgbiAKMDAwMDAwMDE2NiAwMDBoZWxsIAowMDAw\
    MDAwMjc1IDAwMDAwIG4gCjAwMDAwMDAzMjEgMDAwMDAgbiAKMDAwMDAwMDM2MSAwMDAwMCBuIAp0cmFpbGVyCml6ZSA3Pm9iago8PC9U\
    eXBlL1BhZ2VzL0tpZHNbMyAwIFJdL0NvdW50IDE+PgplbmRvYmowMDAwMDIzMiAwMDAwMCBuIAowMDAwMDAwNDA3IDAwMDAwIG4gCjAw\
    MDAwMDA1MzAgMDAwMDAgbiAKMDAwMDAwMDYwNCAwMDAwMCBuIAp0cmFpbGVyCjw8IC9TaXplIDcgL1Jvb3QgMSAwIFIgPj4Kc3RhcnR4\
    cmVmCjY3MQolJUVPRgo=";

/// A string that nobody closes held objects of the file, which were read otherwise in the new one; found by
/// fuzzing.
#[test]
fn nothing_in_a_string_or_stream_becomes_an_object() {
    let inner = "5 0 obj <</Type/EmbeddedFile/Length 5>>\nstream\nhello\nendstrea â trailer <</Root 1 0 R>> %%EOF";
    let packed = stream("/Filter/RunLengthDecode", &[&[24][..], b"7 0 obj<</S/JavaScript>>x\x80"].concat());
    let objects = |pages: &str| {
        pdf(&[
            format!("<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.beep)>>/Lang({inner}){pages}>>")
                .into_bytes(),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
            b"<</Type/Page/Parent 2 0 R/Contents[4 0 R 5 0 R]>>".to_vec(),
            stream("", inner.as_bytes()),
            packed.clone(),
        ])
    };
    let sound = objects("");
    let made = disarmed(&sound).unwrap().bytes;
    for word in ["EmbeddedFile", "5 0 obj <<", "JavaScript", "hello"] {
        assert!(!made.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    assert_eq!(active(&made), BTreeSet::new());
    // Both streams still hold what they held.
    let live = unpack::formats::pdf::live(&made, &mut budget()).unwrap();
    let filters = |object: &unpack::formats::pdf::LiveObject| object.value.dict().unwrap().get(b"Filter").cloned();
    let kept: Vec<_> = live.objects.values().filter(|object| object.stream.is_some()).map(filters).collect();
    assert_eq!(kept.len(), 2);
    disarm::fuzzing::fuzz_pdf(&base64_simd::STANDARD.decode_to_vec(OPEN_STRING).unwrap());
    for damaged in [sound.clone(), objects("/Names(never closed"), sound[..sound.len() - 40].to_vec()] {
        disarm::fuzzing::fuzz_pdf(&damaged);
    }
}
