//! zip: honest archives as the `zip` crate writes them, and archives that lie.

use mail::evidence::{FileKind, UnscannedReason};
use proptest::prelude::*;
use unpack::detect;
use zip::CompressionMethod;

use crate::support::{Lie, archive, close, deflate, deflated, lying, members, name, noise, only};

const DAMAGED: &[UnscannedReason] = &[UnscannedReason::Damaged];

#[test]
fn every_method_is_read() {
    let text = b"The same line, over and over.\n".repeat(3000);
    let methods =
        [CompressionMethod::Stored, CompressionMethod::Deflated, CompressionMethod::Bzip2, CompressionMethod::Xz];
    for method in methods {
        let member = only(&archive(method, &[("a.txt", &text)]));
        assert_eq!((name(&member), &member.problems[..]), ("a.txt", &[][..]), "{method}");
        assert_eq!(member.content, text, "{method}");
    }
}

#[test]
fn lzma_is_read() {
    // Written by Python's zipfile: "The same line, over and over.\n", a hundred times.
    let encoded = concat!(
        "UEsDBD8AAgAOAAAAIVAXjC9UQAAAALgLAAAIAAAAbHptYS50eHQJBAUAXQAAgAAAKhoIogM1hKWNeiyiaIOw/NoS56alMv0h",
        "UqgwuyS9A2eXEkZWqVAmax2ekLOW/NYR//8LUgAAUEsBAj8DPwACAA4AAAAhUBeML1RAAAAAuAsAAAgAAAAAAAAAAAAAAIAB",
        "AAAAAGx6bWEudHh0UEsFBgAAAAABAAEANgAAAGYAAAAAAA==",
    );
    let data = base64_simd::STANDARD.decode_to_vec(encoded).unwrap();
    let member = only(&data);
    assert_eq!(member.content, b"The same line, over and over.\n".repeat(100));
    assert!(member.problems.is_empty());
}

#[test]
fn deflate64_is_read() {
    // Short matches look the same in both methods.
    let member =
        only(&lying(&[Lie { method: 9, ..Lie::deflated("a", b"abcabcabcabc, deflated with a larger window") }]));
    assert_eq!(member.content, b"abcabcabcabc, deflated with a larger window");
    assert!(member.problems.is_empty());
}

#[test]
fn an_unknown_method_is_reported() {
    for method in [10, 19, 97, 4711] {
        let member = only(&lying(&[Lie { method, ..Lie::stored("a", b"whatever") }]));
        assert_eq!(member.problems, [UnscannedReason::UnknownFormat]);
    }
}

#[test]
fn folders_are_passed_over_and_numbers_are_those_of_the_directory() {
    let data = lying(&[Lie::stored("dir/", b""), Lie::stored("dir/a", b"A"), Lie::stored("b", b"B")]);
    let (found, problems) = members(FileKind::Zip, &data);
    let listed: Vec<_> = found.iter().map(|member| (member.index, name(member), &member.content[..])).collect();
    assert_eq!(listed, [(1, "dir/a", &b"A"[..]), (2, "b", b"B")]);
    assert!(problems.is_empty());
}

#[test]
fn encrypted_members_are_reported_and_named() {
    for (flags, method) in [(1, 0), (1, 99), (1 | 1 << 6, 8), (0, 99)] {
        let data = lying(&[Lie { flags, method, ..Lie::stored("secret.doc", b"0123456789abcdef") }]);
        let member = only(&data);
        assert_eq!((name(&member), &member.problems[..]), ("secret.doc", &[UnscannedReason::Encrypted][..]));
        assert!(member.content.is_empty());
    }
}

#[test]
fn an_encryption_flag_in_one_header_only_does_not_hide_the_content() {
    let plain = Lie::stored("a", b"in the open");
    let local_only = Lie { local: Some((b"a".to_vec(), 0, 1)), ..plain.clone() };
    let central_only = Lie { flags: 1, local: Some((b"a".to_vec(), 0, 0)), ..plain };
    for lie in [local_only, central_only] {
        let (found, _) = members(FileKind::Zip, &lying(&[lie]));
        assert!(found.iter().any(|member| member.content == b"in the open"));
        assert!(found.iter().any(|member| member.problems.contains(&UnscannedReason::Encrypted)));
        assert!(found.iter().all(|member| member.problems.contains(&UnscannedReason::Damaged)));
    }
}

#[test]
fn a_wrong_checksum_or_size_keeps_the_content_and_is_damage() {
    let good = Lie::deflated("a", b"some content");
    for lie in [Lie { crc: 1, ..good.clone() }, Lie { size: 5, ..good.clone() }] {
        let member = only(&lying(&[lie]));
        assert_eq!((&member.content[..], &member.problems[..]), (&b"some content"[..], DAMAGED));
    }
}

#[test]
fn a_cut_off_stream_keeps_what_came() {
    let content = noise(100_000, 1);
    let mut data = deflate(&content);
    data.truncate(60_000);
    let member = only(&lying(&[Lie { data, ..Lie::deflated("a", &content) }]));
    assert_eq!(member.problems, DAMAGED);
    assert!(member.content.len() > 50_000 && content.starts_with(&member.content));
}

#[test]
fn data_behind_the_stream_inside_a_member_is_damage_and_searched() {
    let mut data = deflate(b"front");
    data.extend(Lie::stored("behind", b"hidden content").local_bytes());
    let (found, _) = members(FileKind::Zip, &lying(&[Lie { data, ..Lie::deflated("a", b"front") }]));
    let seen: Vec<_> = found.iter().map(|member| (name(member), &member.content[..], member.hidden)).collect();
    assert_eq!(seen, [("a", &b"front"[..], false), ("behind", b"hidden content", true)]);
    assert_eq!(found[0].problems, DAMAGED);
}

#[test]
fn stored_by_its_header_but_deflated_in_truth_is_read() {
    // CVE-2026-0866.
    let lie = Lie { method: 0, ..Lie::deflated("a", b"what is really there, really there") };
    let member = only(&lying(&[lie]));
    assert_eq!(member.content, b"what is really there, really there");
    assert_eq!(member.problems, DAMAGED);
}

#[test]
fn headers_that_name_different_methods_give_both_readings() {
    let lie = Lie { local: Some((b"a".to_vec(), 0, 0)), ..Lie::deflated("a", b"deflated content") };
    let raw = lie.data.clone();
    let (found, _) = members(FileKind::Zip, &lying(&[lie]));
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].hidden, &found[0].content[..]), (false, &b"deflated content"[..]));
    assert_eq!((found[1].hidden, found[1].index), (true, 1));
    assert!(found[1].content == raw || found[1].content == b"deflated content");
    assert!(found.iter().all(|member| member.problems == DAMAGED));
}

#[test]
fn headers_that_give_different_names_tell_both() {
    let lie = Lie { local: Some((b"run.exe".to_vec(), 0, 0)), ..Lie::stored("read.txt", b"x") };
    let member = only(&lying(&[lie]));
    assert_eq!(name(&member), "read.txt");
    assert_eq!(member.other_names[0].raw(), "run.exe");
    assert_eq!(member.problems, DAMAGED);
}

#[test]
fn members_that_only_a_local_header_tells_of_are_found() {
    let hidden = |name: &str| Lie { listed: false, ..Lie::deflated(name, name.as_bytes()) };
    let shown = Lie::deflated("shown", b"shown");
    for order in [[hidden("h"), shown.clone()], [shown.clone(), hidden("h")]] {
        let (found, _) = members(FileKind::Zip, &lying(&order));
        let seen: Vec<_> = found.iter().map(|m| (name(m), &m.content[..], m.hidden, m.index)).collect();
        assert_eq!(seen, [("shown", &b"shown"[..], false, 0), ("h", b"h", true, 1)]);
    }
}

#[test]
fn a_streamed_member_that_is_not_listed_is_found() {
    for lie in [Lie::deflated("h", b"streamed"), Lie::stored("h", b"streamed")] {
        let lie = Lie { listed: false, streamed: true, ..lie };
        let (found, _) = members(FileKind::Zip, &lying(&[lie, Lie::stored("s", b"s")]));
        assert_eq!(found[1].content, b"streamed");
    }
}

#[test]
fn streamed_members_are_sound() {
    let data = lying(&[Lie { streamed: true, ..Lie::deflated("a", b"streamed content") }]);
    assert!(only(&data).problems.is_empty());
}

#[test]
fn archives_behind_one_another_are_both_read() {
    let mut data = deflated(&[("first", b"1")]);
    data.extend(deflated(&[("second", b"2")]));
    let (found, _) = members(FileKind::Zip, &data);
    let mut seen: Vec<_> = found.iter().map(|member| (name(member), member.hidden)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("first", true), ("second", false)]);
}

#[test]
fn what_stands_in_front_or_behind_does_not_hide_an_archive() {
    let inner = deflated(&[("a", b"content")]);
    let front = [&noise(5000, 3)[..], &inner].concat();
    let program = [&b"MZ\x90\0\x03\0\0\0"[..], &[0; 200], &inner].concat();
    let behind = [&inner[..], &noise(70_000, 4)].concat();
    for (data, kind) in [(front, FileKind::Zip), (program, FileKind::Pe), (behind, FileKind::Zip)] {
        assert_eq!(detect(&data), kind);
        let (found, _) = members(kind, &data);
        assert_eq!(found[0].content, b"content", "{kind:?}");
    }
}

#[test]
fn an_archive_in_the_comment_is_found() {
    let inner = Lie { listed: false, ..Lie::stored("in comment", b"hidden") }.local_bytes();
    let mut data = lying(&[Lie::stored("a", b"A")]);
    let at = data.len() - 2;
    data[at..].copy_from_slice(&(inner.len() as u16).to_le_bytes());
    data.extend(&inner);
    let (found, problems) = members(FileKind::Zip, &data);
    assert_eq!((name(&found[1]), &found[1].content[..]), ("in comment", &b"hidden"[..]));
    assert!(problems.is_empty());
}

#[test]
fn an_archive_without_its_directory_is_damaged_but_read() {
    let mut data = deflated(&[("a", b"content a"), ("b", b"content b")]);
    let directory = memchr::memmem::find(&data, b"PK\x01\x02").unwrap();
    data.truncate(directory);
    let (found, problems) = members(FileKind::Zip, &data);
    assert_eq!(found.iter().map(name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(problems, DAMAGED);
}

#[test]
fn a_wrong_count_is_damage_and_all_records_are_read() {
    let members_of = [Lie::stored("a", b"A"), Lie::stored("b", b"B"), Lie::stored("c", b"C")];
    for count in [0, 1, 2, 4, 60_000] {
        let mut data = lying(&members_of);
        let end = data.len() - 22;
        data[end + 8..end + 10].copy_from_slice(&(count as u16).to_le_bytes());
        data[end + 10..end + 12].copy_from_slice(&(count as u16).to_le_bytes());
        let (found, problems) = members(FileKind::Zip, &data);
        assert_eq!(found.iter().map(name).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(problems, DAMAGED, "{count}");
    }
}

#[test]
fn members_of_equal_name_are_all_given() {
    let (found, _) = members(FileKind::Zip, &lying(&[Lie::stored("a", b"1"), Lie::stored("a", b"2")]));
    assert_eq!(found.iter().map(|member| &member.content[..]).collect::<Vec<_>>(), [b"1", b"2"]);
}

#[test]
fn a_nested_stored_archive_is_no_hidden_member() {
    let inner = deflated(&[("inner", b"content")]);
    let member = only(&lying(&[Lie::stored("inner.zip", &inner)]));
    assert_eq!(member.content, inner);
}

/// A member whose stored content holds a whole member of its own, headers first.
fn carrier(name: &str) -> (Vec<u8>, usize) {
    let inner = Lie::deflated("inner", b"only the other directory tells of this").local_bytes();
    let content = [&b"some bytes in front "[..], &inner].concat();
    (Lie::stored(name, &content).local_bytes(), 30 + name.len() + 20)
}

#[test]
fn a_second_directory_at_the_stated_offset_is_read_too() {
    let (mut data, inner) = carrier("outer");
    let content = data[35..].to_vec();
    let inner = Lie::deflated("inner", b"only the other directory tells of this").central_bytes(inner);
    let outer = Lie::stored("outer", &content).central_bytes(0);
    let stated = data.len() as u32;
    data.extend(&inner);
    let mut data = close(data, &outer, 1);
    let end = data.len() - 22;
    data[end + 16..end + 20].copy_from_slice(&stated.to_le_bytes());
    both_directories_are_seen(&data);
}

#[test]
fn a_directory_whose_comment_holds_another_end_is_read_too() {
    let (data, inner) = carrier("outer");
    let content = data[35..].to_vec();
    let inner = Lie::deflated("inner", b"only the other directory tells of this").central_bytes(inner);
    let mut data = close(data, &inner, 1);
    let comment = data.len() - 2;
    let outer = Lie::stored("outer", &content).central_bytes(0);
    let mut data = close(std::mem::take(&mut data), &outer, 1);
    let len = (data.len() - comment - 2) as u16;
    data[comment..comment + 2].copy_from_slice(&len.to_le_bytes());
    both_directories_are_seen(&data);
}

fn both_directories_are_seen(data: &[u8]) {
    let (found, problems) = members(FileKind::Zip, data);
    let mut seen: Vec<_> = found.iter().map(|member| (name(member), member.hidden)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("inner", true), ("outer", false)]);
    assert!(found.iter().any(|member| member.content == b"only the other directory tells of this"));
    assert_eq!(problems, DAMAGED);
}

#[test]
fn a_directory_that_points_nowhere_is_damage() {
    let central = Lie::stored("a", b"A").central_bytes(4000);
    let (found, _) = members(FileKind::Zip, &close(b"PK\x03\x04".to_vec(), &central, 1));
    assert_eq!((name(&found[0]), &found[0].problems[..]), ("a", DAMAGED));
}

#[test]
fn a_huge_dictionary_is_refused_not_allocated() {
    // LZMA: version 9.20, five bytes of properties, a dictionary of 4 GiB, a size of 4 GiB.
    let data = [&b"\x09\x14\x05\0\x5d\xff\xff\xff\xff"[..], &[0; 64]].concat();
    let member = only(&lying(&[Lie { method: 14, size: u32::MAX, data, ..Lie::stored("a", b"") }]));
    assert!(member.problems.contains(&UnscannedReason::LimitBytes), "{:?}", member.problems);
}

#[test]
fn empty_archives_hold_nothing() {
    let (found, problems) = members(FileKind::Zip, &lying(&[]));
    assert!(found.is_empty() && problems.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn honest_archives_are_read_as_the_zip_crate_reads_them(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        method in prop::sample::select(vec![CompressionMethod::Stored, CompressionMethod::Deflated, CompressionMethod::Bzip2]),
        front in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let names: Vec<String> = (0..contents.len()).map(|at| format!("member {at}")).collect();
        let list: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
        let data = [front, archive(method, &list)].concat();
        let (found, problems) = members(FileKind::Zip, &data);
        let seen: Vec<(&str, &[u8])> = found.iter().map(|member| (name(member), &member.content[..])).collect();
        prop_assert_eq!(seen, list);
        prop_assert!(problems.is_empty());
        prop_assert!(found.iter().all(|member| member.problems.is_empty() && !member.hidden));
    }
}
