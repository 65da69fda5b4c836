//! Pages and pictures in messages, however they are named, typed, encoded and packed: what acts in them is told,
//! and taken out; the new file is examined again and clean.

use std::io::Write;

use mail::evidence::{Active, FileKind, ObjectId, Report, Role};
use scan::{Context, RebuildRequest, StopFlag, rebuild};

use crate::support::{plain, report, zip};

const PAGE: &str = "<html><head><title>bill</title></head><body onload=\"a()\"><p>the text that stays, grün</p>\
    <script>run('something')</script><a href=\"javascript:b()\">click</a><form action=\"https://example.org/\"><input name=n></form>\
    <iframe src=\"data:text/html,x\"></iframe></body></html>";
const PICTURE: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"a()\"><script>run()</script><text>stays</text></svg>";

/// A message with one part of this type and these bytes.
fn message(kind: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let disposition = match name {
        "" => String::new(),
        name => format!("Content-Disposition: attachment; filename=\"{name}\"\r\n"),
    };
    let base64 = base64_simd::STANDARD.encode_to_string(content);
    let lines: Vec<&str> = base64.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!(
        "From: ann@example.org\r\nTo: bob@example.net\r\nSubject: page\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\n\
         Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{disposition}\r\n{}\r\n--b--\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}

fn wide(text: &str, mark: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("{mark}{text}").encode_utf16().flat_map(unit).collect()
}

/// In UTF-7 every letter that could be a tag is shifted.
fn utf7(text: &str) -> Vec<u8> {
    let mut out = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || " /.:\n".contains(letter) {
            out.push(letter);
        } else {
            let units: Vec<u8> = letter.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect();
            let shifted = base64_simd::STANDARD_NO_PAD.encode_to_string(units);
            out += &format!("+{shifted}-");
        }
    }
    out.into_bytes()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// What acts in a message.
fn active(report: &Report) -> Vec<Active> {
    let mut all: Vec<Active> = report
        .objects()
        .iter()
        .filter_map(|it| if let Role::Active(what) = it.role { Some(what) } else { None })
        .collect();
    all.sort();
    all.dedup();
    all
}

/// The part of the message that holds what acts.
fn holder(report: &Report) -> ObjectId {
    let mut at = report.objects().iter().position(|it| matches!(it.role, Role::Active(_))).unwrap();
    loop {
        let object = &report.objects()[at];
        if matches!(object.origin, mail::evidence::Origin::Entity(_)) {
            return ObjectId(at as u32);
        }
        at = object.parent.unwrap().0 as usize;
    }
}

/// A request about the part of a message that holds what acts, without any of it.
fn request(seen: &Report) -> RebuildRequest {
    let id = holder(seen);
    // What lies in an archive or a compressed file is named; a page itself is disarmed by kinds.
    let page = matches!(seen.objects()[id.0 as usize].kind, FileKind::Html | FileKind::Svg);
    let victims: Vec<ObjectId> = (0..seen.objects().len())
        .filter(|at| !page && matches!(seen.objects()[*at].role, Role::Active(_)))
        .map(|at| ObjectId(at as u32))
        .collect();
    RebuildRequest::new(seen, id, &victims, &[Active::Script, Active::Form, Active::OpenUri]).unwrap()
}

/// Asserts that scripts and forms are found in a message, and gone from what is made of it; gives that.
fn disarmed(what: &str, raw: &[u8]) -> Vec<u8> {
    let (engines, context) = (plain(), Context::default());
    let seen = report(&engines, raw, &context);
    let found = active(&seen);
    assert!(found.contains(&Active::Script), "{what}: {found:?}");
    let rebuilt = rebuild(&engines, raw, &[request(&seen)], &context, &StopFlag::new()).remove(0);
    let bytes = rebuilt.outcome.clone().unwrap_or_else(|why| panic!("{what}: {why}"));
    assert!(rebuilt.clean, "{what}: {}", String::from_utf8_lossy(&bytes));
    assert!(!rebuilt.removed.is_empty(), "{what}");
    let again = rebuilt.evidence.unwrap().close(&engines.required());
    assert_eq!(active(&again), [], "{what}");
    bytes
}

#[test]
fn what_acts_in_a_page_goes_whatever_it_is_called_and_however_it_is_written() {
    let page = PAGE.as_bytes();
    let latin: Vec<u8> = PAGE.chars().map(|letter| letter as u8).collect();
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("text/html", "", page.to_vec()),
        ("text/html; charset=iso-8859-1", "", latin),
        ("text/html", "picture.png", page.to_vec()),
        ("text/html", "document.pdf", [b"%PDF-1.4\n1 0 obj <</OpenAction<</JS(x)>>>> endobj\n", page].concat()),
        ("text/html", "sound.mp3", [b"ID3\x03\0\0\0\0\0\0", page].concat()),
        ("image/png", "page.html", page.to_vec()),
        ("application/octet-stream", "page.shtml", page.to_vec()),
        ("application/pdf", "page.xht", page.to_vec()),
        ("text/plain", "page.htm", page.to_vec()),
        ("text/html", "a.html", wide(PAGE, "\u{feff}", u16::to_le_bytes)),
        ("text/html", "a.html", wide(PAGE, "\u{feff}", u16::to_be_bytes)),
        ("text/html", "a.html", wide(PAGE, "", u16::to_le_bytes)),
        ("text/html; charset=utf-16le", "", wide(PAGE, "", u16::to_le_bytes)),
        ("text/html", "a.html", [b"<meta charset=utf-7>", utf7(PAGE).as_slice()].concat()),
        ("text/html", "a.html", page.iter().flat_map(|byte| [*byte, 0]).skip(1).collect()),
    ];
    for (kind, name, content) in cases {
        let made = disarmed(&format!("{kind} {name}"), &message(kind, name, &content));
        let text = String::from_utf8_lossy(&made).replace('\0', "");
        // To the standard a page in UTF-7 is the text as it stands.
        let shifted = content.starts_with(b"<meta");
        let gone = ["run(", "<form", "onload"].iter().all(|word| !text.contains(word));
        assert!(gone || shifted && !text.contains('+'), "{kind} {name}: {text}");
        assert!(shifted || text.contains("the text that stays"), "{kind} {name}: {text}");
    }
}

/// A page that the mail declares in UTF-7 has two readings: the message is rewritten first, as the flow does.
#[test]
fn what_acts_in_a_page_of_a_message_in_utf_7_goes_once_it_has_one_reading() {
    let raw = message("text/html; charset=utf-7", "", &utf7(PAGE));
    let parsed = mail::graph::parse(&raw, &mail::graph::Limits::default());
    let one = mail::normalise::normalise(&parsed).unwrap();
    let text = String::from_utf8(disarmed("one reading", &one)).unwrap();
    assert!(text.contains("the text that stays") && !text.contains("run("), "{text}");
}

#[test]
fn pictures_lose_what_acts_under_every_name() {
    for (kind, name) in [
        ("image/svg+xml", "a.svg"),
        ("image/png", "a.svg"),
        ("application/octet-stream", "a.bin"),
        ("text/xml", "a.xml"),
    ] {
        let made = disarmed(name, &message(kind, name, PICTURE.as_bytes()));
        let text = String::from_utf8(made).unwrap();
        assert!(text.contains("<text>stays</text>") && !text.contains("run") && !text.contains("onload"), "{text}");
    }
}

#[test]
fn pages_in_archives_and_compressed_files_are_disarmed_from_the_inside() {
    let inner = zip(&[("deep/page.html", PAGE.as_bytes()), ("kept.txt", b"kept")]);
    let cases = [
        ("a.zip", inner.clone()),
        ("b.zip", zip(&[("inner.zip", &inner), ("kept.txt", b"kept")])),
        ("a.html.gz", gzip(PAGE.as_bytes())),
        ("c.zip", zip(&[("wide.htm", &wide(PAGE, "\u{feff}", u16::to_le_bytes)), ("kept.txt", b"kept")])),
        ("d.zip", zip(&[("a.svg", PICTURE.as_bytes()), ("kept.txt", b"kept")])),
    ];
    for (name, content) in cases {
        let made = disarmed(name, &message("application/octet-stream", name, &content));
        let seen = report(&plain(), &message("application/octet-stream", name, &made), &Context::default());
        let page = seen.objects().iter().any(|it| matches!(it.kind, FileKind::Html | FileKind::Svg));
        assert!(page, "{name}: the page itself stays");
    }
}
