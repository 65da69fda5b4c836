//! Archives of rarer kinds: those that are opened, and that each of the others is told.

use std::io::Write;

use mail::evidence::{FileKind, Role, UnscannedReason};
use sha1::Digest;
use unpack::{Budget, Limits, Opening, StopFlag, detect, open};

use crate::support::{deflated, everything, members, name, noise};
use crate::tools::Folder;

const TEXT: &[u8] = b"text that is packed, and text that is packed, and text that is packed";

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// What COMPRESS.EXE would write: `abcabc` as three letters and a copy of them.
pub(crate) fn szdd() -> Vec<u8> {
    let mut data = b"SZDD\x88\xf0\x27\x33A_".to_vec();
    data.extend(8_u32.to_le_bytes());
    // Letters at 0xff0 and after; the copy is of three bytes.
    data.extend([0b1111_0111, b'a', b'b', b'c', 0xf0, 0xf0, b'd', b'e']);
    data
}

/// A film with a file in a tag.
pub(crate) fn flash() -> Vec<u8> {
    let file = deflated(&[("inner.txt", b"inner")]);
    // A rectangle of no bits, rate and count, then one tag of data.
    let mut film = vec![0, 0, 24, 1, 0];
    film.extend(((87_u16 << 6) | 0x3f).to_le_bytes());
    film.extend((file.len() as u32 + 6).to_le_bytes());
    film.extend([1, 0, 0, 0, 0, 0]);
    film.extend(&file);
    film.extend([0, 0]);
    let mut data = b"CWS\x0a".to_vec();
    data.extend((film.len() as u32 + 8).to_le_bytes());
    data.extend(zlib(&film));
    data
}

/// An archive of two files.
pub(crate) fn xar() -> Vec<u8> {
    let (one, two) = (zlib(TEXT), b"stored".to_vec());
    let table = format!(
        "<?xml version=\"1.0\"?><xar><toc><checksum style=\"sha1\"><offset>0</offset><size>20</size></checksum>\
         <file id=\"1\"><name>folder</name><type>directory</type><file id=\"2\"><data><length>{}</length><offset>20</offset>\
         <size>{}</size><encoding style=\"application/x-gzip\"/></data><name>one.txt</name></file></file>\
         <file id=\"3\"><name>two.txt</name><data><encoding style=\"application/octet-stream\"/><offset>{}</offset>\
         <length>6</length></data></file></toc></xar>",
        one.len(),
        TEXT.len(),
        20 + one.len()
    );
    let packed = zlib(table.as_bytes());
    let mut data = b"xar!\0\x1c\0\x01".to_vec();
    data.extend((packed.len() as u64).to_be_bytes());
    data.extend((table.len() as u64).to_be_bytes());
    data.extend([0, 0, 0, 1]);
    let sum = sha1::Sha1::digest(&packed);
    data.extend(packed);
    data.extend(sum);
    data.extend(one);
    data.extend(two);
    data
}

/// A help file with one file that is not compressed.
pub(crate) fn chm() -> Vec<u8> {
    let mut chunk = b"PMGL".to_vec();
    chunk.extend([0; 16]);
    chunk.extend([6]);
    chunk.extend(b"/a.txt\0\0");
    chunk.push(TEXT.len() as u8);
    let used = chunk.len();
    chunk.resize(256, 0);
    chunk[4..8].copy_from_slice(&(256 - used as u32).to_le_bytes());
    let mut data = b"ITSF\x03\0\0\0\x60\0\0\0".to_vec();
    data.resize(0x48, 0);
    data.extend([0x60_u64, 0x54 + 256, 0x60 + 0x54 + 256].map(u64::to_le_bytes).concat());
    let mut head = b"ITSP\x01\0\0\0\x54\0\0\0\x0a\0\0\0".to_vec();
    head.extend(256_u32.to_le_bytes());
    head.resize(44, 0);
    head.extend(1_u32.to_le_bytes());
    head.resize(0x54, 0);
    data.extend(head);
    data.extend(chunk);
    data.extend(TEXT);
    data
}

#[test]
fn szdd_and_kwaj_are_expanded() {
    let (found, problems) = members(FileKind::OtherArchive, &szdd());
    assert_eq!((&found[0].content[..], problems.len(), found[0].problems.len()), (&b"abcabcde"[..], 0, 0));
    for (method, body) in [(0_u8, TEXT.to_vec()), (1, TEXT.iter().map(|byte| !byte).collect())] {
        let mut data = b"KWAJ\x88\xf0\x27\xd1".to_vec();
        data.extend([method, 0, 24, 0, 0x18, 0]);
        data.extend(b"name\0txt\0\0");
        data.extend(body);
        let (found, _) = members(detect(&data), &data);
        assert_eq!((name(&found[0]), &found[0].content[..]), ("name.txt", TEXT));
    }
    let mut short = szdd();
    short.truncate(18);
    assert_eq!(members(FileKind::OtherArchive, &short).0[0].problems, [UnscannedReason::Damaged]);
}

#[test]
fn films_are_expanded_and_what_they_carry_is_given() {
    assert_eq!(detect(&flash()), FileKind::OtherArchive);
    let (found, problems) = members(FileKind::OtherArchive, &flash());
    assert_eq!((found.len(), problems.len(), found[0].role), (2, 0, Role::Decoded));
    assert!(found[0].content.starts_with(b"FWS\x0a"));
    assert_eq!(detect(&found[1].content), FileKind::Zip);
    // The same film as it is before it is compressed.
    let (plain, _) = members(detect(&found[0].content), &found[0].content);
    assert_eq!(plain[0].content, found[1].content);
}

#[test]
fn packages_of_macos_are_opened() {
    let (found, problems) = members(detect(&xar()), &xar());
    let told: Vec<_> = found.iter().map(|member| (name(member), &member.content[..])).collect();
    assert_eq!((told, problems.len()), (vec![("one.txt", TEXT), ("two.txt", &b"stored"[..])], 0));
}

#[test]
fn compiled_help_is_opened() {
    let (found, problems) = members(detect(&chm()), &chm());
    let told: Vec<_> = found.iter().map(|member| (name(member), &member.content[..])).collect();
    assert_eq!((told, problems.len()), (vec![("a.txt", TEXT)], 0));
    let folder = std::path::Path::new("/usr/share/clamav-testfiles");
    if !folder.exists() {
        testkit::peers::skipped("clamav-testfiles");
        return;
    }
    for file in ["clam.chm", "clam.sis", "clam.exe.szdd"] {
        let (inner, _) = everything(&std::fs::read(folder.join(file)).unwrap());
        let wanted = std::fs::read(folder.join("clam.exe")).unwrap();
        assert!(inner.contains(&wanted), "{file}");
    }
}

#[test]
fn what_is_not_opened_is_told() {
    let at = |place: usize, magic: &[u8]| [&vec![0x11; place][..], magic, &noise(64, 3)].concat();
    let arc = [&b"\x1a\x08NAME.TXT\0\0\0\0\0"[..], &40_u32.to_le_bytes(), &noise(80, 4)].concat();
    let mut dmg = noise(4096, 5);
    dmg[3584..3588].copy_from_slice(b"koly");
    let cases = [
        ("ace", at(7, b"**ACE**")),
        ("zoo", at(20, b"\xdc\xa7\xc4\xfd")),
        ("arc", arc),
        ("alz", at(0, b"ALZ\x01")),
        ("egg", at(0, b"EGGA")),
        ("dmg", dmg),
        ("wim", at(0, b"MSWIM\0\0\0")),
        ("vmdk", at(0, b"KDMV")),
        ("vmdk, described", b"# Disk DescriptorFile\nversion=1\n".to_vec()),
        ("sit", at(0, b"SIT!")),
        ("sitx", at(0, b"StuffIt!")),
        ("installshield", at(0, b"ISc(")),
        ("zpaq", at(0, b"7kSt\xa0\x31\x83\xd3")),
        ("lzop", at(0, b"\x89LZO\0\r\n\x1a\n")),
        ("uharc", at(0, b"UHA\x06")),
        ("ha", at(0, b"HA\x01\0\x22\x20\0\0\0")),
        ("dar", at(0, b"\0\0\0\x7b0123456789TN")),
        ("lh8", at(2, b"-lh8-")),
        ("pms", at(2, b"-pms-")),
        ("a method of LHA that nobody knows", at(2, b"-lxy-\0\0\0\0\0\0\0\0\0\0\0\0\0\x01")),
        ("kwaj, by Huffman", at(0, b"KWAJ\x88\xf0\x27\xd1\x03\0\x0e\0\0\0")),
    ];
    for (what, data) in cases {
        assert_eq!(detect(&data), FileKind::OtherArchive, "{what}");
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let reasons = match open(FileKind::OtherArchive, &data, &mut budget) {
            Opening::Unscanned(reason) => vec![reason],
            Opening::Container(mut container) => {
                let mut all = Vec::new();
                while let Some(member) = container.next(&data, &mut budget) {
                    all.extend(member.problems);
                }
                all.extend(container.problems());
                all
            }
            Opening::Leaf => Vec::new(),
        };
        assert!(reasons.contains(&UnscannedReason::UnknownFormat), "{what}: {reasons:?}");
    }
}

#[test]
fn what_libarchive_writes_is_read() {
    let folder = Folder::new("xar");
    folder.write("inner.txt", TEXT);
    folder.write("noise.bin", &noise(3000, 6));
    for compression in ["none", "gzip", "bzip2", "xz", "lzma"] {
        let options = format!("xar:compression={compression}");
        let arguments = ["--format", "xar", "--options", &options, "-cf", "own.xar", "inner.txt", "noise.bin"];
        if folder.run("bsdtar", &arguments).is_none() {
            return;
        }
        let data = folder.read("own.xar");
        let (found, _) = members(detect(&data), &data);
        assert_eq!(found.iter().map(name).collect::<Vec<_>>(), ["inner.txt", "noise.bin"], "{compression}");
        let (inner, reasons) = everything(&data);
        assert!(inner.iter().any(|content| content == TEXT), "{compression}: {reasons:?}");
        assert!(reasons.is_empty(), "{compression}: {reasons:?}");
    }
}
