//! Telling kinds apart by content.

use mail::evidence::FileKind::{self, *};
use unpack::detect;

use crate::support::{archive, deflated, gzip, noise};

fn zip(names: &[&str]) -> Vec<u8> {
    let list: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"content"[..])).collect();
    deflated(&list)
}

#[test]
fn archives_are_told_by_their_members() {
    let odf = archive(
        ::zip::CompressionMethod::Stored,
        &[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>")],
    );
    let cases = [
        (zip(&["a.txt"]), Zip),
        (zip(&["[Content_Types].xml", "word/document.xml"]), Ooxml),
        (zip(&["xl/workbook.xml", "[content_types].XML"]), Ooxml),
        (zip(&["[Content_Types].xml", "package.nuspec"]), Zip),
        (zip(&["META-INF/MANIFEST.MF", "a.txt"]), Jar),
        (zip(&["org/example/Main.class"]), Jar),
        (zip(&[]), Zip),
        (odf, Odf),
        (gzip(None, b"x"), Gzip),
    ];
    for (data, kind) in cases {
        assert_eq!(detect(&data), kind);
    }
}

#[test]
fn text_is_told_by_its_beginning() {
    let cases: &[(&str, FileKind)] = &[
        ("just words\r\nand more", Text),
        ("Grüße aus Köln", Text),
        ("  \r\n<!DOCTYPE HTML><p>x", Html),
        ("<script>alert(1)</script>", Html),
        ("\u{feff}<html>", Html),
        ("words first, then <BODY onload=x>", Html),
        ("<?xml version=\"1.0\"?><a/>", Xml),
        ("<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\">", Html),
        ("<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>", Svg),
        ("#!/bin/sh\necho", Script),
        ("@echo off\r\n", Script),
        ("Set o = CreateObject(\"WScript.Shell\")", Script),
        ("var a = new ActiveXObject('x');", Script),
        ("From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nbody", Message),
        ("%PDF-1.7\n", Pdf),
        ("junk\n%PDF-1.4\n%\u{1}", Pdf),
        ("{\\rtf1 x}", Rtf),
        ("MZ is how some words begin, in a text that is long enough to be one, really.", Text),
        ("BM is a town", Text),
        ("UHA\u{5473}\u{899a}\u{7cd6} is sold by the sea", Text),
        ("UHA\r\nand more", Text),
        ("UHA\tand more", Text),
        ("UHA", Text),
        ("HA!! \r\nand more", Text),
        ("Run this:\n#!/bin/sh\necho hello", Text),
        ("", Empty),
    ];
    for (text, kind) in cases {
        assert_eq!(detect(text.as_bytes()), *kind, "{text}");
    }
}

#[test]
fn utf_16_is_text_too() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let cases = [
        (wide("\u{feff}plain"), Text),
        (wide("plain, without a mark"), Text),
        (wide("\u{feff}<html><body>"), Html),
        (big("<script>alert(1)</script>"), Html),
        (big("\u{feff}漢字仮名交じり文"), Text),
        (wide("\u{feff}漢字一仮名"), Text),
    ];
    for (data, kind) in cases {
        assert_eq!(detect(&data), kind, "{data:?}");
    }
}

#[test]
fn programs_and_pictures_are_told_by_their_head() {
    let mut program = vec![0; 256];
    program[..2].copy_from_slice(b"MZ");
    program[60] = 128;
    program[128..132].copy_from_slice(b"PE\0\0");
    let mut fat = b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec();
    fat.resize(64, 0);
    let class = b"\xca\xfe\xba\xbe\0\0\0\x41rest".to_vec();
    let cases = [
        (program, Pe),
        (fat, MachO),
        (class, Unknown),
        (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), Image),
        (b"RIFF\x10\0\0\0WAVEfmt ".to_vec(), Media),
        (b"\0\0\0\x20ftypmp42\0\0\0\0".to_vec(), Media),
        (b"\0\0\0\x20ftypheic\0\0\0\0".to_vec(), Image),
        (b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0".to_vec(), Media),
        (noise(4096, 11), Unknown),
    ];
    for (data, kind) in cases {
        assert_eq!(detect(&data), kind, "{:?}", &data[..8]);
    }
}

#[test]
fn disk_images_and_old_archives_are_known_as_archives() {
    let mut tar = vec![0; 1024];
    tar[..5].copy_from_slice(b"a.txt");
    tar[100..107].copy_from_slice(b"0000644");
    let sum: u32 = tar[..512].iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut fat = vec![0; 4096];
    fat[0] = 0xeb;
    fat[54..57].copy_from_slice(b"FAT");
    fat[510..512].copy_from_slice(b"\x55\xaa");
    let mut dmg = noise(4096, 12);
    dmg[3584..3588].copy_from_slice(b"koly");
    let mut arj = b"\x60\xea\x20\0".to_vec();
    arj.extend([7; 32]);
    arj.extend(crc32fast::hash(&[7; 32]).to_le_bytes());
    assert_eq!(detect(&tar), Tar);
    assert_eq!(detect(b"BZh91AY&SYrest"), Compressed);
    assert_eq!(detect(b"Rar!\x1a\x07\x01\0"), Rar);
    assert_eq!(detect(&arj), Arj);
    assert_eq!(detect(&fat), FileKind::DiskImage);
    assert_eq!(detect(&dmg), OtherArchive);
}

#[test]
fn a_binary_workbook_is_not_taken_for_lzma() {
    // Its first records, as Excel writes them; the dictionary would be one byte over 24 MiB.
    let start = b"\x83\x01\0\x80\x01\x30\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\x78\0\x6c\0";
    assert_eq!(unpack::detect(start), mail::evidence::FileKind::Unknown);
}

#[test]
fn neither_many_members_nor_another_type_hide_a_document() {
    let dummies: Vec<String> = (0..5000).map(|number| format!("d{number}")).collect();
    let mut names: Vec<&str> = dummies.iter().map(String::as_str).collect();
    names.extend(["[Content_Types].xml", "word/document.xml"]);
    assert_eq!(detect(&zip(&names)), Ooxml);
    let both = archive(
        ::zip::CompressionMethod::Stored,
        &[
            ("mimetype", b"application/vnd.oasis.opendocument.text"),
            ("META-INF/manifest.xml", b"<manifest/>"),
            (
                "content.xml",
                b"<office:document-content xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0' xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0'><office:body><office:text><text:p>odt</text:p></office:text></office:body></office:document-content>",
            ),
            ("[Content_Types].xml", b"<Types/>"),
            (
                "word/document.xml",
                b"<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>docx</w:t></w:r></w:p></w:body></w:document>",
            ),
        ],
    );
    assert_eq!(detect(&both), Ooxml);
    let (members, _) = crate::support::open_all(Ooxml, &both);
    let is_text = |member: &&unpack::Member| member.role == mail::evidence::Role::Text;
    let texts: Vec<String> =
        members.iter().filter(is_text).map(|member| String::from_utf8_lossy(&member.content).into_owned()).collect();
    for text in ["odt", "docx"] {
        assert!(texts.iter().any(|seen| seen.contains(text)), "{text}: {texts:?}");
    }
}
