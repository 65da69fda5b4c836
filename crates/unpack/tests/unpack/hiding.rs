//! What a sender puts in front of, between or beside other things so that it is not looked at: it is found,
//! or it is said that more is there.

use std::time::Duration;

use mail::evidence::UnscannedReason::{Encrypted, LimitObjects};
use mail::evidence::{FileKind, UnscannedReason};

use crate::samples::stored_sample;
use crate::support::{deflated, everything, members, name, noise, open_all, program_of};
use crate::tars::entry;
use crate::tnefs::crowded;
use crate::tools::Folder;

const HIDDEN: &[u8] = b"what nobody is meant to see";

fn finds_it(data: &[u8], what: &str) {
    let (found, reasons) = everything(data);
    assert!(found.iter().any(|content| content.windows(HIDDEN.len()).any(|at| at == HIDDEN)), "{what}: {reasons:?}");
}

#[test]
fn decoys_in_front_of_an_archive_hide_nothing() {
    let lead = noise(64, 5);
    for (sample, decoy) in [("rar_5", &b"Rar!\x1a\x07\xff"[..]), ("7z_lzma2", b"7z\xbc\xaf\x27\x1c")] {
        let archive = stored_sample(sample);
        let data = [&lead[..], &decoy.repeat(300), &archive].concat();
        let (wanted, _) = members(unpack::detect(&archive), &archive);
        let (found, _) = members(FileKind::Unknown, &data);
        assert!(found.iter().map(|member| &member.content).eq(wanted.iter().map(|member| &member.content)), "{sample}");
    }
}

#[test]
fn more_archives_than_are_looked_at_are_told() {
    for sample in ["7z_lzma2", "cab_mszip"] {
        let data = [&noise(64, 5)[..], &stored_sample(sample).repeat(16)].concat();
        assert_eq!(members(FileKind::Unknown, &data).1, [], "{sample}");
        let data = [&noise(64, 5)[..], &stored_sample(sample).repeat(17)].concat();
        assert_eq!(members(FileKind::Unknown, &data).1, [LimitObjects], "{sample}");
    }
}

#[test]
fn a_zip_far_from_the_end_is_found_in_any_file() {
    let zip = deflated(&[("hidden.txt", HIDDEN)]);
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &noise(200, 3), &zip, &vec![0; 70_000]].concat();
    finds_it(&picture, "behind a picture");
    let ends = b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0".repeat(16);
    finds_it(&[&noise(200, 3)[..], &zip, &ends].concat(), "in front of false ends");
}

#[test]
fn a_locked_archive_behind_something_else_is_told() {
    let folder = Folder::new("locked-behind");
    folder.write("a.txt", HIDDEN);
    if folder.run("7z", &["a", "-mhe=on", "-psecret", "x.7z", "a.txt"]).is_none() {
        return;
    }
    let data = [&noise(64, 5)[..], &folder.read("x.7z")].concat();
    assert_eq!(open_all(FileKind::Unknown, &data).1, [Encrypted]);
}

/// A record of a folder in an ISO image.
fn record(file: &str, sector: u32, size: u32, flags: u8) -> Vec<u8> {
    let mut out = vec![0, 0];
    for value in [sector, size] {
        out.extend(value.to_le_bytes());
        out.extend(value.to_be_bytes());
    }
    out.extend([0; 7]);
    out.extend([flags, 0, 0, 1, 0, 0, 1, file.len() as u8]);
    out.extend(file.as_bytes());
    out.resize(out.len().next_multiple_of(2), 0);
    out[0] = out.len() as u8;
    out
}

/// An image whose root has these records; behind it stand sectors.
fn image(records: &[Vec<u8>], descriptors: usize, sectors: &[Vec<u8>]) -> Vec<u8> {
    let root = 16 + descriptors as u32 + 2;
    let mut out = vec![0; 16 * 2048];
    let mut sector = |content: Vec<u8>| {
        out.extend(content);
        out.resize(out.len().next_multiple_of(2048), 0);
    };
    let mut primary = b"\x01CD001\x01".to_vec();
    primary.resize(156, 0);
    primary.extend(record("\0", root, 2048, 2));
    sector(primary);
    for _ in 0..descriptors {
        sector(b"\x03CD001\x01".to_vec());
    }
    sector(b"\xffCD001\x01".to_vec());
    sector(records.concat());
    for content in sectors {
        sector(content.clone());
    }
    out
}

#[test]
fn folders_and_files_of_an_image_that_begin_alike_are_all_read() {
    let first = [record("\0", 19, 2048, 2), record("A.TXT", 21, 4, 0)].concat();
    let second = record("B.TXT", 22, HIDDEN.len() as u32, 0);
    let sectors = [first, second, b"text".to_vec(), HIDDEN.to_vec()];
    let folders = [record("ONE", 19, 2048, 2), record("TWO", 19, 4096, 2)];
    let data = image(&folders, 0, &sectors);
    assert_eq!(unpack::detect(&data), FileKind::Iso);
    finds_it(&data, "in the longer of two folders");
    let told = |descriptors| members(FileKind::Iso, &image(&folders, descriptors, &[])).1.contains(&LimitObjects);
    assert_eq!([told(10), told(80)], [false, true]);
}

/// A tar with one member whose pax header says that it is sparse.
fn sparse(map: &str, size: &str, data: &[u8]) -> Vec<u8> {
    let mut records = String::new();
    for (key, value) in [("GNU.sparse.size", size), ("GNU.sparse.map", map)] {
        let len = key.len() + value.len() + 5;
        records += &format!("{len} {key}={value}\n");
    }
    assert!(records.lines().all(|line| line.len() + 1 == line[..2].parse::<usize>().unwrap()));
    [("pax", b'x', records.as_bytes()), ("file", b'0', data)]
        .map(|(name, kind, data)| entry(name, kind, data.len() as u64, data))
        .concat()
}

#[test]
fn a_sparse_file_comes_as_it_stands_as_well() {
    for (map, size) in [("0,0", "0"), ("0,1", "1"), ("0,4,9,23", "32"), ("9,4", "13")] {
        let data = sparse(map, size, HIDDEN);
        let (found, problems) = members(FileKind::Tar, &data);
        assert_eq!((found.len(), &problems[..]), (2, &[][..]), "{map}");
        assert_eq!((&found[1].content[..], found[1].hidden, name(&found[1])), (HIDDEN, true, "file"), "{map}");
    }
    // Nothing between the pieces: both are the same.
    assert_eq!(members(FileKind::Tar, &sparse("0,27", "27", HIDDEN)).0.len(), 1);
}

#[test]
fn lines_beyond_those_that_are_read_are_told() {
    let calendar = |lines: usize| {
        let empty = "\r\n".repeat(lines);
        format!("BEGIN:VCALENDAR\r\n{empty}ATTACH;ENCODING=BASE64:aGVsbG8gd29ybGQ=\r\n").into_bytes()
    };
    let long = format!("BEGIN:VCALENDAR\r\nATTACH;X={};ENCODING=BASE64:aGVsbG8=\r\n", "x".repeat(5000)).into_bytes();
    let shortcut =
        |lines: usize| format!("[InternetShortcut]\r\n{}URL=file://x\r\n", "a=b\r\n".repeat(lines)).into_bytes();
    let command = "powershell -enc VwByAGkAdABlAC0ASABvAHMAdAAgAGgAaQA=\r\n";
    let cases: [(&str, FileKind, Vec<u8>, bool); 7] = [
        ("calendar", FileKind::Calendar, calendar(100), false),
        ("calendar", FileKind::Calendar, calendar(200_001), true),
        ("parameters", FileKind::Calendar, long, true),
        ("shortcut", FileKind::InternetShortcut, shortcut(100), false),
        ("shortcut", FileKind::InternetShortcut, shortcut(10_001), true),
        ("commands", FileKind::Text, command.repeat(64).into_bytes(), false),
        ("commands", FileKind::Text, command.repeat(65).into_bytes(), true),
    ];
    for (what, kind, data, over) in cases {
        let (found, problems) = open_all(kind, &data);
        assert_eq!(problems.contains(&LimitObjects), over, "{what} of {} bytes: {problems:?}", data.len());
        assert!(over || !found.is_empty(), "{what}");
    }
}

#[test]
fn what_stands_in_and_behind_the_certificates_of_a_program_is_given() {
    let code = noise(600, 4);
    let signed = |inside: &[u8], behind: &[u8], front: &[u8]| {
        let mut data = program_of(&[(0x1000, 600, &code)], 0x1000);
        data.extend(front);
        let table = [&b"\0\0\0\0\0\x02\x02\0\x30\x82\x01\0"[..], &[b'c'; 256], inside].concat();
        let directory = [data.len() as u32, table.len() as u32].map(u32::to_le_bytes).concat();
        data[64 + 24 + 128..][..8].copy_from_slice(&directory);
        [data, table, behind.to_vec()].concat()
    };
    let contents = |data: Vec<u8>| -> Vec<Vec<u8>> {
        open_all(FileKind::Pe, &data).0.into_iter().map(|member| member.content).collect()
    };
    let filler = [0; 64];
    assert_eq!(contents(signed(&[0; 7], b"", b"")), Vec::<Vec<u8>>::new());
    assert_eq!(contents(signed(HIDDEN, b"", b"")), [HIDDEN]);
    assert_eq!(contents(signed(b"", HIDDEN, b"")), [HIDDEN]);
    assert_eq!(contents(signed(b"", HIDDEN, &filler)), [HIDDEN]);
    assert_eq!(contents(signed(b"", b"", HIDDEN)), [HIDDEN]);
}

/// The problems of a file that is opened within the time that a quadratic reader would not keep.
fn soon(kind: FileKind, data: &[u8]) -> Vec<UnscannedReason> {
    let started = testkit::CpuClock::now();
    let (_, problems) = members(kind, data);
    assert!(started.elapsed() < Duration::from_secs(60), "{kind:?} takes {:?}", started.elapsed());
    problems
}

#[test]
fn names_told_again_and_again_take_neither_time_nor_memory() {
    // A million names of one member, before they were cut a matter of days.
    let tar = |headers: usize| {
        let records = "9 path=a\n".repeat(7000);
        let mut data = entry("pax", b'x', records.len() as u64, records.as_bytes()).repeat(headers);
        data.extend(entry("file", b'0', 4, b"text"));
        data
    };
    let (found, _) = members(FileKind::Tar, &tar(2));
    assert_eq!((name(&found[0]), found[0].other_names.len()), ("a", 1));
    assert_eq!(soon(FileKind::Tar, &tar(150)), []);
    // As many names as pieces, each piece with all of the names.
    let (found, _) = members(FileKind::Tnef, &crowded(40));
    assert_eq!(found.len(), 40);
    assert!(found.iter().all(|member| member.other_names.len() <= 32));
    assert_eq!(soon(FileKind::Tnef, &crowded(60_000)), [LimitObjects]);
}
