//! RTF, as it is written and as it is obfuscated.

use mail::evidence::{Active, FileKind, UnscannedReason};
use unpack::detect;

use super::seen;
use crate::support::members;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An object of OLE 1.0.
fn object(class: &str, native: &[u8]) -> Vec<u8> {
    let mut out = vec![1, 5, 0, 0, 2, 0, 0, 0];
    out.extend((class.len() as u32 + 1).to_le_bytes());
    out.extend(class.as_bytes());
    out.extend([0; 9]);
    out.extend((native.len() as u32).to_le_bytes());
    out.extend(native);
    out
}

/// What the packager of Windows writes.
fn package(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out = b"\x02\0".to_vec();
    for text in [name, "C:\\a\\b"] {
        out.extend(text.as_bytes());
        out.push(0);
    }
    out.extend(b"\0\0\x03\0\x03\0\0\0C:\0");
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(content);
    out
}

const HEAD: &str = "{\\rtf1\\ansi\\ansicpg1251{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset238 Arial;}}\
    {\\colortbl;\\red255\\green255\\blue255;\\red255\\green0\\blue0;}{\\*\\generator nothing;}\n";

#[test]
fn text_is_decoded_and_hidden_text_told_apart() {
    let body = "\\pard a\\tab b \\'e1\\f1\\'e1\\f0 \\u1073?\\u-10179 ?\\u-8704 ?\\par {\\v none}{\\fs2 tiny}\
        {\\cf1 white}{\\cf1\\highlight2 marked}{\\cf2 red}{\\*\\unknown no}\\\\\\{\\~x\\par\nsame line\\line{\\deleted gone}}";
    let found = seen(format!("{HEAD}{body}").as_bytes());
    assert_eq!(found.text, "a b бáб\u{1f600}\nmarkedred\\{ x\nsame line");
    assert_eq!(found.hidden, "nonetinywhite\ngone");
    assert_eq!((found.acts, found.problems, found.files), (vec![], vec![], vec![]));
}

#[test]
fn objects_are_found_however_their_data_is_written() {
    let inner = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 compound";
    let data = hex(&object("Word.Document.8", inner));
    let (first, second) = data.split_at(21);
    let cases = [
        format!("{{\\object\\objemb{{\\*\\objclass Word.Document.8}}{{\\*\\objdata {data}}}}}"),
        format!("{{\\object{{\\*\\objdata {first}\n \t{second}}}}}"),
        format!("{{\\object{{\\*\\objdata {first}{{\\*\\unknown 99aabb}}{second}}}}}"),
        format!("{{\\object{{\\*\\objdata {first}\\'11\\'22{second}}}}}"),
        format!("{{\\object{{\\*\\objdata {first}{{\\nothing}}zz\\par {second}}}}}"),
        format!("{{\\object{{\\*\\objdata{{\\*\\objdata {data}}}}}}}"),
        format!("{{\\object{{\\objdata {}}}}}", data.to_uppercase()),
        format!("{{\\object{{\\*\\objdata {first}{{\\proptype\\staticval abc}}{second}}}}}"),
        format!("{{\\object{{\\*\n\\footerr{{\\bin\\binN\\object}}\\.\\objdata {first}\\fnil\n{second}}}}}"),
        format!("{{\\object{{\\*\\OBJDATA123 {data}"),
    ];
    for case in cases {
        for head in ["{\\rtf1", "{\\rt", " \n{\\rtxyz", HEAD] {
            let text = format!("{head}{case}}}");
            assert_eq!(detect(text.as_bytes()), FileKind::Rtf);
            let (all, problems) = members(FileKind::Rtf, text.as_bytes());
            assert_eq!(all[0].content, inner, "{text}");
            assert!(!all[0].hidden && all[0].problems.is_empty(), "{text}");
            assert_eq!(problems, []);
        }
    }
}

#[test]
fn data_that_others_read_in_another_way_is_given_too() {
    let data = hex(&object("x", b"the payload"));
    let (first, second) = data.split_at(30);
    let text = format!("{{\\rtf1{{\\object{{\\*\\objdata {first}{{\\*\\unknown {second}}}}}}}}}");
    let (all, _) = members(FileKind::Rtf, text.as_bytes());
    assert!(all.iter().any(|member| member.hidden && member.content == b"the payload"), "{all:?}");
}

#[test]
fn binary_data_and_packages_are_opened() {
    let native = object("Package", &package("run.cmd", b"echo {}\\"));
    let mut text = b"{\\rtf1{\\object\\objupdate{\\*\\objclass Package}{\\*\\objdata \\bin".to_vec();
    text.extend(format!("{} ", native.len()).into_bytes());
    text.extend(&native);
    text.extend(b"}}after}");
    let found = seen(&text);
    assert_eq!(found.files, [("run.cmd".to_owned(), b"echo {}\\".to_vec())]);
    assert_eq!(found.acts, [(Active::OlePackage, "Package, opened with the document".to_owned())]);
    assert_eq!(found.text, "after");
}

#[test]
fn templates_fields_and_links_act() {
    let cases = [
        ("{\\*\\template http://example.org/a.dotm}", Some((Active::RemoteTemplate, "http://example.org/a.dotm"))),
        ("{\\*\\template C:\\\\a\\\\Normal.dotm}", None),
        ("{\\*\\template \\u104?\\u116?tp://example.org/b}", Some((Active::RemoteTemplate, "http://example.org/b"))),
        (
            "{\\field{\\*\\fldinst DDEAUTO cmd \"/c calc\"}{\\fldrslt x}}",
            Some((Active::Dde, "DDEAUTO cmd \"/c calc\"")),
        ),
        ("{\\field{\\*\\fldinst {DD}{EAUTO} a b}{\\fldrslt x}}", Some((Active::Dde, "DDEAUTO a b"))),
        (
            "{\\field{\\*\\fldinst {\\field{\\*\\fldinst QUOTE 68 68 69}{\\fldrslt}} a b}{\\fldrslt x}}",
            Some((Active::Dde, "DDE a b")),
        ),
        ("{\\field{\\*\\fldinst HYPERLINK \"http://example.org\"}{\\fldrslt x}}", None),
    ];
    for (body, expected) in cases {
        let found = seen(format!("{{\\rtf1 {body}}}").as_bytes());
        let expected: Vec<_> = expected.into_iter().map(|(what, text)| (what, text.to_owned())).collect();
        assert_eq!(found.acts, expected, "{body}");
    }
}

#[test]
fn pictures_and_stored_data_are_members() {
    let text =
        "{\\rtf1{\\pict\\pngblip 8950{\\*\\blipuid 00112233}4e47}{\\*\\datastore d0cf11e0}{\\*\\themedata 504b0304}}";
    let (all, _) = members(FileKind::Rtf, text.as_bytes());
    let listed: Vec<_> = all.iter().filter(|member| !member.hidden).map(|member| member.content.clone()).collect();
    assert_eq!(listed, [b"\x89PNG".to_vec(), b"\xd0\xcf\x11\xe0".to_vec()]);
}

#[test]
fn what_is_cut_off_is_damaged_and_what_was_read_is_given() {
    let found = seen(b"{\\rtf1 text{\\object{\\*\\objdata 0105\\bin99 ab");
    assert_eq!(found.text, "text");
    assert!(found.problems.contains(&UnscannedReason::Damaged));
    assert_eq!(found.files.len(), 1);
}

#[test]
fn a_million_groups_take_no_stack_and_little_time() {
    for body in
        ["{".repeat(1_000_000), "{\\v}".repeat(1_000_000), "{\\*\\objdata 00}".repeat(100_000), "\\'".repeat(1_000_000)]
    {
        let found = seen(format!("{{\\rtf1 start {body} end").as_bytes());
        assert!(found.text.starts_with("start"));
    }
}
