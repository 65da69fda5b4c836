//! Cryptographic messages: what is signed, digested or compressed is seen; what is encrypted is said.

use std::io::Write as _;

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member, detect};

use crate::samples::stored_sample;
use crate::support::{members, name, walk};

/// What stands in the samples.
const ENTITY: &[u8] = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nQ2F0\r\n--b--\r\n";
/// Types below PKCS #7 and below S/MIME.
const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
const SMIME: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01";

fn read(data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    assert_eq!(detect(data), FileKind::Cms);
    members(FileKind::Cms, data)
}

/// An element with a length.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = body.len() as u32;
    let mut out = vec![tag, 0x84];
    out.extend(length.to_be_bytes());
    out.extend(body);
    out
}

/// An element without a length.
fn ber(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat()
}

fn oid(arc: &[u8], last: u8) -> Vec<u8> {
    [&[6, arc.len() as u8 + 1], arc, &[last]].concat()
}

/// A message of a type with this content.
fn info(kind: &[u8], content: &[u8]) -> Vec<u8> {
    ber(0x30, &[kind, &ber(0xa0, &[content])])
}

/// Signed content, as the octets have it.
fn signed(octets: &[u8]) -> Vec<u8> {
    let inner = ber(0x30, &[&oid(PKCS7, 1), &ber(0xa0, &[octets])]);
    info(&oid(PKCS7, 2), &ber(0x30, &[&[2, 1, 1], &der(0x31, &[]), &inner, &der(0x31, &[])]))
}

#[test]
fn what_openssl_signs_is_seen_with_its_parts() {
    for sample in ["cms_signed", "cms_signed_indefinite", "cms_digested", "cms_data"] {
        let (found, problems) = read(&stored_sample(sample));
        assert_eq!(problems, [], "{sample}");
        assert_eq!((found[0].kind, &found[0].content[..]), (Some(FileKind::Message), ENTITY), "{sample}");
        let leaf = found.last().unwrap();
        assert_eq!((name(leaf), &leaf.content[..], leaf.part.as_str()), ("a.bin", &b"Cat"[..], "2"), "{sample}");
        assert!(leaf.attachment && found.iter().all(|member| member.entity.is_none()));
        assert!(found.iter().enumerate().all(|(at, member)| member.index as usize == at));
        assert!(found.iter().skip(1).all(|member| member.parent.is_some_and(|parent| parent < member.index)));
    }
}

#[test]
fn a_pem_holds_the_message() {
    let (found, problems) = read(&stored_sample("cms_pem"));
    assert_eq!((problems.len(), found.len()), (0, 1));
    assert_eq!(found[0].content, stored_sample("cms_signed"));
    let walk = walk(&stored_sample("cms_pem"), Limits::default());
    assert!(walk.names.contains(&"a.bin".to_owned()) && walk.reasons.is_empty(), "{walk:?}");
}

#[test]
fn a_signature_alone_holds_nothing_and_encrypted_content_is_said() {
    assert_eq!(read(&stored_sample("cms_detached")), (vec![], vec![]));
    assert_eq!(read(&stored_sample("cms_enveloped")), (vec![], vec![UnscannedReason::Encrypted]));
    for kind in [oid(PKCS7, 3), oid(PKCS7, 4), oid(PKCS7, 6), oid(SMIME, 23)] {
        assert_eq!(read(&info(&kind, b"\x30\x00")), (vec![], vec![UnscannedReason::Encrypted]));
    }
}

#[test]
fn strings_in_pieces_without_lengths_are_put_together() {
    let pieces = ber(0x24, &[&der(4, &[b"PK\x03"]), &ber(0x24, &[&der(4, &[b"\x04in "]), &der(4, &[b"pieces"])])]);
    let (found, problems) = read(&signed(&pieces));
    assert_eq!((found.len(), problems.len()), (1, 0), "{problems:?}");
    assert_eq!((found[0].kind, &found[0].content[..]), (None, &b"PK\x03\x04in pieces"[..]));
}

#[test]
fn what_pkcs7_15_puts_in_place_of_a_string_is_seen() {
    let (found, problems) = read(&signed(&der(0x30, &[b"\x0c\x04text"])));
    assert_eq!((problems.len(), &found[0].content[..]), (0, &b"\x30\x84\0\0\0\x06\x0c\x04text"[..]));
}

#[test]
fn compressed_and_authenticated_content_is_opened() {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    zlib.write_all(ENTITY).unwrap();
    let octets = der(4, &[&zlib.finish().unwrap()]);
    let inner = der(0x30, &[&oid(PKCS7, 1), &der(0xa0, &[&octets])]);
    let compressed = info(&oid(SMIME, 9), &der(0x30, &[&[2, 1, 0], &der(0x30, &[&oid(SMIME, 8)]), &inner]));
    let inner = der(0x30, &[&oid(PKCS7, 1), &der(0xa0, &[&der(4, &[ENTITY])])]);
    let front: [&[u8]; 4] = [&[2, 1, 0], &der(0xa0, &[]), &der(0x31, &[]), &der(0x30, &[])];
    let authenticated = info(&oid(SMIME, 2), &der(0x30, &[&front.concat(), &der(0xa1, &[]), &inner]));
    for data in [compressed, authenticated] {
        let (found, problems) = read(&data);
        assert_eq!(problems, []);
        assert_eq!(&found[0].content[..], ENTITY);
        assert_eq!(&found.last().unwrap().content[..], b"Cat");
    }
}

#[test]
fn damage_and_depth_are_said_and_what_is_there_is_seen() {
    let whole = stored_sample("cms_signed");
    let cut = &whole[..300];
    let (found, problems) = read(cut);
    assert_eq!(problems, [UnscannedReason::Damaged]);
    assert!(found[0].content.starts_with(b"Content-Type") && found[0].content.len() > 150);
    let mut deep = der(4, &[b"x"]);
    for _ in 0..2000 {
        deep = ber(0x24, &[&deep]);
    }
    let (_, problems) = read(&signed(&deep));
    assert_eq!(problems, [UnscannedReason::Damaged]);
    let (found, problems) = read(&info(&oid(PKCS7, 2), b"\x30\x03\x02\x01\x01"));
    assert_eq!((found.len(), problems), (0, vec![UnscannedReason::Damaged]));
}

#[test]
fn other_sequences_are_no_messages() {
    for data in [&b"0 is a digit"[..], b"\x30\x80\x06\x03\x55\x04\x03", b"\x30", b"\x30\x84\xff\xff\xff\xff\x06\x80"] {
        assert_ne!(detect(data), FileKind::Cms, "{data:?}");
    }
}

#[test]
fn what_only_mentions_a_pem_is_what_it_is_beside_that() {
    let real = stored_sample("cms_signed");
    let based = String::from_utf8(mail::transfer::encode_base64(&real, b"\n")).unwrap();
    let pem = format!("-----BEGIN PKCS7-----\n{based}\n-----END PKCS7-----\n");
    for (text, kind) in [
        (pem.clone(), FileKind::Cms),
        (format!(" \r\n{pem}\n"), FileKind::Cms),
        (format!("\u{feff}{pem}"), FileKind::Cms),
        (format!("{pem}<script>evil()</script>"), FileKind::Html),
        (format!("<!--\n{pem}--><script>evil()</script>"), FileKind::Html),
        ("'-----BEGIN CMS-----\nSet o = CreateObject(\"WScript.Shell\")".to_owned(), FileKind::Script),
        ("-----BEGIN CMS-----\nSet o = CreateObject(\"WScript.Shell\")".to_owned(), FileKind::Script),
        ("words about -----BEGIN PKCS7-----".to_owned(), FileKind::Text),
    ] {
        assert_eq!(detect(text.as_bytes()), kind, "{text}");
    }
    // What stands in a page is seen beside the page.
    let page = format!("<!--\n{pem}--><script>evil()</script>");
    let (found, problems) = members(FileKind::Html, page.as_bytes());
    assert_eq!(problems, []);
    assert!(found.iter().any(|member| member.content == real));
    assert!(found.iter().any(|member| member.content == b"evil()"));
    let (found, problems) = members(FileKind::Html, b"<!-- -----BEGIN CMS-----\nQUJD --><script>evil()</script>");
    assert_eq!((found.len(), problems.len()), (1, 0));
}

#[test]
fn a_pem_that_holds_no_message_is_damaged() {
    let (_, problems) = read(b"-----BEGIN PKCS7-----\nQUJDREVG\n-----END PKCS7-----\n");
    assert_eq!(problems, [UnscannedReason::Damaged]);
}
