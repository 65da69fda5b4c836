//! tar: dialects, sparse files, lies.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member, detect};

use crate::support::{members, name, noise, walk};
use crate::tools::Folder;

/// A v7 header with its data.
pub(crate) fn entry(name: &str, kind: u8, size: u64, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 512];
    out[..name.len()].copy_from_slice(name.as_bytes());
    out[100..107].copy_from_slice(b"0000644");
    out[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    out[156] = kind;
    sum(&mut out);
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

pub(crate) fn sum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    entry(name, b'0', data.len() as u64, data)
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut out = String::new();
    for (key, value) in records {
        let mut len = key.len() + value.len() + 3;
        len += len.to_string().len();
        len = key.len() + value.len() + 3 + len.to_string().len();
        out += &format!("{len} {key}={value}\n");
    }
    entry("pax", b'x', out.len() as u64, out.as_bytes())
}

fn end() -> Vec<u8> {
    vec![0; 1024]
}

fn all(data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    members(FileKind::Tar, data)
}

fn list(data: &[u8]) -> Vec<(String, bool, Vec<u8>)> {
    all(data).0.into_iter().map(|member| (name(&member).to_owned(), member.hidden, member.content)).collect()
}

#[test]
fn every_dialect_that_gnu_tar_writes_is_read() {
    let folder = Folder::new("tars");
    let long = format!("d/{}/{}.bin", "x".repeat(90), "y".repeat(60));
    let content = noise(70_000, 3);
    folder.write(&long, &content);
    folder.write("short.txt", b"short");
    folder.write("empty", b"");
    for dialect in ["v7", "oldgnu", "gnu", "ustar", "posix"] {
        let mut names = vec!["short.txt", "empty"];
        if dialect != "v7" {
            names.push("d");
        }
        let arguments = [&["-c", "--format", dialect][..], &names].concat();
        let Some(data) = folder.run("tar", &arguments) else { return };
        assert_eq!(detect(&data), FileKind::Tar, "{dialect}");
        let (members, problems) = all(&data);
        assert_eq!(problems, [], "{dialect}");
        let find = |wanted: &str| members.iter().find(|member| name(member) == wanted);
        assert_eq!(find("short.txt").unwrap().content, b"short", "{dialect}");
        assert_eq!(find("empty").unwrap().content, b"", "{dialect}");
        assert!(dialect == "v7" || find(&long).unwrap().content == content, "{dialect}");
        assert_eq!(members.len(), names.len(), "{dialect}: folders are passed over");
    }
}

#[test]
fn sparse_files_are_read_whole() {
    let folder = Folder::new("sparse");
    let mut content = vec![0; 400_000];
    for at in [0, 100_000, 200_000, 210_000, 300_000, 390_000] {
        content[at..at + 50].fill(b'x');
    }
    folder.write("whole", &content);
    if folder.run("cp", &["--sparse=always", "whole", "file"]).is_none() {
        return;
    }
    for options in [
        &["--format=gnu"][..],
        &["--format=posix"],
        &["--format=posix", "--sparse-version=0.1"],
        &["--format=posix", "--sparse-version=0.0"],
    ] {
        let arguments = [&["-c", "-S"][..], options, &["file"]].concat();
        let Some(data) = folder.run("tar", &arguments) else { return };
        assert!(data.len() < content.len() / 2, "the file is sparse");
        let (members, problems) = all(&data);
        // Once as it is meant, once as it stands in the archive.
        assert_eq!((members.len(), problems.len(), members[1].hidden), (2, 0, true), "{options:?}");
        assert_eq!(name(&members[0]), "file", "{options:?}");
        assert!(members[0].content == content && members[0].problems.is_empty(), "{options:?}");
    }
}

#[test]
fn large_numbers_in_base_256_are_read() {
    let mut data = file("a", b"content");
    data[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x07");
    sum(&mut data);
    assert_eq!(list(&[data, end()].concat()), [("a".to_owned(), false, b"content".to_vec())]);
}

#[test]
fn what_stands_behind_the_end_is_unlisted() {
    let inner = [file("b", b"second"), end()].concat();
    let data = [file("a", b"first"), end(), inner, b"MZ trailing".to_vec()].concat();
    let wanted = [("a", false, &b"first"[..]), ("b", true, b"second"), ("", true, b"MZ trailing")];
    assert_eq!(list(&data), wanted.map(|(name, hidden, content)| (name.to_owned(), hidden, content.to_vec())));
    assert_eq!(all(&data).1, []);
}

#[test]
fn what_stands_between_members_is_unlisted_and_damage() {
    let data = [file("a", b"first"), noise(1024, 4), file("b", b"second"), end()].concat();
    let (members, problems) = all(&data);
    assert_eq!(problems, [UnscannedReason::Damaged]);
    assert_eq!(members.iter().map(name).collect::<Vec<_>>(), ["a", "", "b"]);
    assert!(members[1].hidden && members[1].content == noise(1024, 4));
}

#[test]
fn sizes_told_twice_hide_nothing() {
    let inner = [file("inner", b"payload"), end()].concat();
    let size = inner.len() as u64;
    // The pax header says more than the header itself, and the other way round.
    let more = [pax(&[("size", &size.to_string())]), entry("outer", b'0', 0, b""), inner.clone(), end()].concat();
    let less = [pax(&[("size", "0")]), entry("outer", b'0', size, b""), inner.clone(), end()].concat();
    for data in [more, less] {
        let walk = walk(&data, Limits::default());
        assert!(walk.names.contains(&"inner".to_owned()), "{:?}", walk.names);
    }
    // A link with data, which some programs pass over and others believe.
    let link = [entry("link", b'1', size, b""), inner, end()].concat();
    assert!(walk(&link, Limits::default()).names.contains(&"inner".to_owned()));
    let link = [entry("link", b'2', 7, b"payload"), end()].concat();
    assert_eq!(list(&link), [("link".to_owned(), true, b"payload".to_vec())]);
}

#[test]
fn all_names_are_told() {
    let long = [entry("././@LongLink", b'L', 5, b"long\0"), file("short", b"x"), end()].concat();
    let (members, _) = all(&long);
    assert_eq!((name(&members[0]), members[0].other_names[0].raw().as_str()), ("long", "short"));
    let data = [pax(&[("path", "by pax")]), file("short", b"x"), end()].concat();
    assert_eq!(name(&all(&data).0[0]), "by pax");
}

#[test]
fn what_is_cut_off_is_damage() {
    let data = entry("a", b'0', 5000, b"the start");
    let (members, _) = all(&data);
    assert_eq!(members[0].problems, [UnscannedReason::Damaged]);
    assert!(members[0].content.starts_with(b"the start"));
    let huge = entry("a", b'0', 0o77_777_777_777, b"the start");
    assert_eq!(all(&huge).0[0].problems, [UnscannedReason::Damaged]);
}

#[test]
fn a_sparse_bomb_ends_by_ratio() {
    let map = "1\n1099511627776\n1\n";
    let keys = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "1099511627777")];
    let mut body = map.as_bytes().to_vec();
    body.resize(512, 0);
    body.push(b'x');
    let data = [pax(&keys), file("bomb", &body), end()].concat();
    let walk = walk(&data, Limits::default());
    assert!(walk.reasons.contains(&UnscannedReason::LimitRatio), "{:?}", walk.reasons);
    assert!(walk.bytes < 8 << 20);
}

#[test]
fn a_hundred_thousand_members_end_by_objects() {
    let walk = walk(&entry("a", b'0', 0, b"").repeat(100_000), Limits::default());
    assert!(walk.reasons.contains(&UnscannedReason::LimitObjects), "{:?}", walk.reasons);
}

#[test]
fn a_long_record_of_a_pax_header_hides_none_behind_it() {
    let record = |key: &str, value: &str| {
        let rest = format!(" {key}={value}\n");
        let len = (1..).find(|len: &usize| len.to_string().len() + rest.len() == *len).unwrap();
        format!("{len}{rest}")
    };
    let header = |name: &str, kind: u8, size: usize| {
        let mut block = vec![0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..108].copy_from_slice(b"0000644\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    };
    let filled = |content: &[u8]| {
        let mut out = content.to_vec();
        out.resize(content.len().next_multiple_of(512), 0);
        out
    };
    let extended = record("comment", &"x".repeat(70_000)) + &record("path", "evil.exe");
    let parts = [
        header("x", b'x', extended.len()),
        filled(extended.as_bytes()),
        header("note.txt", b'0', 5),
        filled(b"hello"),
        vec![0; 1024],
    ];
    let (found, problems) = members(FileKind::Tar, &parts.concat());
    assert_eq!((found.len(), problems.len(), name(&found[0])), (1, 0, "evil.exe"));
}
