//! RAR: what the stored samples do not show.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member};

use crate::samples::stored_sample;
use crate::support::{members, name, walk};

fn all(data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    members(FileKind::Rar, data)
}

#[test]
fn damage_is_told_and_takes_only_what_needs_it() {
    for name in ["rar_3_folders", "rar_5_duplicates"] {
        let mut data = stored_sample(name);
        let whole = all(&data).0;
        let at = data.len() / 2;
        data[at] ^= 0x40;
        let (members, problems) = all(&data);
        let told = !problems.is_empty() || members.iter().any(|member| !member.problems.is_empty());
        assert!(told, "{name}");
        assert!(!members.is_empty() && members.len() <= whole.len(), "{name}");
        assert_eq!(members[0].content, whole[0].content, "{name}: what stands in front of the damage");
    }
}

#[test]
fn what_is_cut_off_is_damage() {
    let data = stored_sample("rar_5");
    let (members, problems) = all(&data[..1000]);
    let told = !problems.is_empty() || members.iter().any(|member| !member.problems.is_empty());
    assert!(told, "{problems:?}");
}

#[test]
fn limits_end_a_batch_and_are_told() {
    let data = stored_sample("rar_5");
    let size = all(&data).0.iter().map(|member| member.content.len() as u64).max().unwrap();
    let limits = Limits { object_bytes: size - 1, ..Limits::default() };
    let walk_of = walk(&data, limits);
    assert!(walk_of.reasons.contains(&UnscannedReason::LimitBytes), "{:?}", walk_of.reasons);
    let walk_of = walk(&data, Limits { fuel: 70_000, ..Limits::default() });
    assert!(walk_of.reasons.contains(&UnscannedReason::LimitTime), "{:?}", walk_of.reasons);
}

/// A number of RAR 5 below 16,384.
fn number(value: usize) -> Vec<u8> {
    if value < 0x80 { vec![value as u8] } else { vec![value as u8 | 0x80, (value >> 7) as u8] }
}

/// A block of RAR 5.
fn block(kind: u8, fields: &[u8], extra: &[u8], data: &[u8]) -> Vec<u8> {
    let mut header = vec![kind, u8::from(!extra.is_empty()) | if data.is_empty() { 0 } else { 2 }];
    if !extra.is_empty() {
        header.extend(number(extra.len()));
    }
    if !data.is_empty() {
        header.extend(number(data.len()));
    }
    header.extend([fields, extra].concat());
    let sized = [number(header.len()), header].concat();
    [&crc32fast::hash(&sized).to_le_bytes()[..], &sized, data].concat()
}

/// A stored file, folder or service of RAR 5.
fn file(kind: u8, flags: u8, name: &str, extra: &[u8], data: &[u8]) -> Vec<u8> {
    let sum = crc32fast::hash(data).to_le_bytes();
    let fields = [&[4 | flags][..], &number(data.len()), &[0x20], &sum, &[0, 0], &number(name.len()), name.as_bytes()];
    block(kind, &fields.concat(), extra, data)
}

/// An extra record.
fn record(kind: u8, value: &[u8]) -> Vec<u8> {
    [&number(value.len() + 1)[..], &[kind], value].concat()
}

fn archive(blocks: &[Vec<u8>]) -> Vec<u8> {
    [&b"Rar!\x1a\x07\x01\0"[..], &block(1, &[0], &[], &[]), &blocks.concat(), &block(5, &[0], &[], &[])].concat()
}

/// Name, content and whether it is unlisted, of all members; nothing may be wrong.
fn rows(data: &[u8]) -> Vec<(String, Vec<u8>, bool)> {
    let (found, problems) = all(data);
    assert_eq!(problems, []);
    assert!(found.iter().all(|member| member.problems.is_empty()));
    assert!(found.windows(2).all(|pair| pair[0].index < pair[1].index));
    found.into_iter().map(|member| (name(&member).to_owned(), member.content, member.hidden)).collect()
}

#[test]
fn data_that_is_no_file_to_the_decoder_is_given() {
    let row = |name: &str, content: &[u8], hidden| (name.to_owned(), content.to_vec(), hidden);
    let note = || file(2, 0, "note.txt", &[], b"hello");
    for kind in [1, 2, 3, 4, 5, 99] {
        let leads = record(5, &[&[kind, 0, 9][..], b"other.txt"].concat());
        let data = archive(&[note(), file(2, 0, "evil.com", &leads, b"secret")]);
        assert_eq!(rows(&data), [row("note.txt", b"hello", false), row("evil.com", b"secret", true)], "{kind}");
    }
    let folder = archive(&[note(), file(2, 1, "folder", &[], b"secret")]);
    assert_eq!(rows(&folder), [row("note.txt", b"hello", false), row("folder", b"secret", true)]);
    let stream = file(3, 0, "STM", &record(7, b":hidden.exe"), b"secret");
    let data = archive(&[note(), stream.clone(), file(2, 0, "last.txt", &[], b"last")]);
    let expected = [
        row("note.txt", b"hello", false),
        row("last.txt", b"last", false),
        row("note.txt:hidden.exe", b"secret", true),
    ];
    assert_eq!(rows(&data), expected);
    // A comment is not a file; an empty entry that leads elsewhere holds nothing.
    let leads = record(5, b"\x01\0\x09other.txt");
    let data = archive(&[note(), file(3, 0, "CMT", &[], b"a comment"), file(2, 0, "link", &leads, b"")]);
    assert_eq!(rows(&data), [row("note.txt", b"hello", false)]);
    // What cannot be unpacked is said.
    let mut wrong = archive(&[note(), stream]);
    let at = wrong.windows(6).position(|window| window == b"secret").unwrap();
    wrong[at] ^= 1;
    let (found, problems) = all(&wrong);
    assert!(!problems.is_empty() || found.iter().any(|member| !member.problems.is_empty()));
}

#[test]
fn streams_in_archives_of_the_older_versions_are_given() {
    let header = |kind: u8, name: &str, rest: &[u8], content: &[u8]| {
        let mut out = vec![kind, 0, 0x80];
        out.extend((32 + name.len() + rest.len()).to_le_bytes()[..2].iter());
        for value in [content.len() as u32, content.len() as u32] {
            out.extend(value.to_le_bytes());
        }
        out.push(2);
        out.extend(crc32fast::hash(content).to_le_bytes());
        out.extend([0, 0, 0x21, 0x50, 29, 0x30]);
        out.extend((name.len() as u16).to_le_bytes());
        out.extend([0x20, 0, 0, 0]);
        out.extend([name.as_bytes(), rest].concat());
        [&crc32fast::hash(&out).to_le_bytes()[..2], &out, content].concat()
    };
    let main = [0x73, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0];
    let main = [&crc32fast::hash(&main).to_le_bytes()[..2], &main].concat();
    let wide: Vec<u8> = ":hidden.exe".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let parts = [
        b"Rar!\x1a\x07\0".to_vec(),
        main,
        header(0x74, "note.txt", &[], b"hello"),
        header(0x7a, "STM", &wide, b"secret"),
    ];
    let row = |name: &str, content: &[u8], hidden| (name.to_owned(), content.to_vec(), hidden);
    assert_eq!(rows(&parts.concat()), [row("note.txt", b"hello", false), row("note.txt:hidden.exe", b"secret", true)]);
}

#[test]
fn what_stands_behind_the_end_is_given() {
    let data = [&archive(&[file(2, 0, "note.txt", &[], b"hello")])[..], b"and more"].concat();
    let rows = rows(&data);
    assert_eq!(rows.last().unwrap(), &(String::new(), b"and more".to_vec(), true));
}
