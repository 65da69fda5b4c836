//! Messages in files: what of them is not dangerous stays readable and in its place.

use std::collections::BTreeSet;

use disarm::{Wish, remove};
use mail::charset::to_text;
use mail::evidence::{Active, FileKind};
use mail::graph::{self, Limits};
use sha2::{Digest, Sha256};

use crate::documents::budget;

/// A message with a page in windows-1251, its picture, and an invitation.
fn letter() -> Vec<u8> {
    let page: Vec<u8> = [
        &b"<html><body><p>"[..],
        b"\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0",
        b"</p><img src=\"cid:one@example.org\"><script>run()</script></body></html>",
    ]
    .concat();
    let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><script>run()</script><rect width=\"9\" height=\"9\"/></svg>";
    let head = "From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\
        Content-Type: multipart/related; boundary=r; type=\"text/html\"; start=\"<page@example.org>\"\r\n\r\n--r\r\n\
        Content-Type: image/svg+xml; name=one.svg\r\nContent-ID: <one@example.org>\r\n\
        Content-Location: one.svg\r\nContent-Disposition: inline; filename=one.svg;\r\n\
        \tmodification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"\r\n\r\n";
    let page_head = "\r\n--r\r\nContent-Type: text/html; charset=windows-1251\r\nContent-ID: <page@example.org>\r\n\
        Content-Language: ru\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let rest = "\r\n--r--\r\n\r\n--m\r\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n\
        BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n\r\n--m--\r\n";
    let encoded = base64_simd::STANDARD.encode_to_string(page);
    [head, picture, page_head, &encoded, rest].concat().into_bytes()
}

/// Each leaf: its type, the fields that say how it belongs to others, and its text as a client decodes it.
fn leaves(data: &[u8]) -> Vec<(String, Vec<String>, String)> {
    let message = graph::parse(data, &Limits::default());
    let mut all = Vec::new();
    for id in message.primary() {
        let entity = message.entity(id).unwrap();
        if !entity.is_leaf() {
            continue;
        }
        let content = message.content(id, usize::MAX);
        let text = to_text(&content.bytes, entity.charset.as_deref()).into_owned();
        let field = |name: &str| message.header(id, name).map(|value| String::from_utf8_lossy(&value).into_owned());
        let names = ["content-id", "content-location", "content-language"];
        all.push((entity.media.to_string(), names.iter().filter_map(|name| field(name)).collect(), text));
    }
    all
}

#[test]
fn a_message_in_a_file_keeps_its_letters_its_pictures_and_its_invitation() {
    let data = letter();
    let before = leaves(&data);
    assert!(before[1].2.contains("Привет, мир") && before[1].2.contains("<script>"), "{before:?}");
    let message = graph::parse(&data, &Limits::default());
    let active: Vec<Vec<u8>> = message.leaves().map(|id| message.content(id, usize::MAX).bytes.into_owned()).collect();
    let through: BTreeSet<[u8; 32]> = active.iter().take(2).map(|it| Sha256::digest(it).into()).collect();
    let wish = Wish { active: Active::ALL.into_iter().collect(), through, ..Wish::default() };
    let new = remove(FileKind::Message, &data, &wish, &mut budget()).unwrap().bytes;
    let after = leaves(&new);
    assert_eq!(after.len(), before.len());
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((&old.0, &old.1), (&new.0, &new.1), "{after:?}");
        assert!(!new.2.contains("script"), "{after:?}");
    }
    assert!(after[1].2.contains("Привет, мир") && after[1].2.contains("cid:one@example.org"), "{after:?}");
    assert!(after[0].2.contains("<rect"), "{after:?}");
    assert_eq!(after[2], before[2]);
    let text = String::from_utf8_lossy(&new).into_owned();
    for kept in ["start=\"<page@example.org>\"", "method=REQUEST", "modification-date=", "Content-Location: one.svg"] {
        assert!(text.contains(kept), "{kept} is gone from {text}");
    }
}
