//! Bombs end within the budget and say which limit ended them.

use std::io::Write;
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use mail::evidence::UnscannedReason::{self, LimitBytes, LimitDepth, LimitObjects, LimitRatio, LimitTime};
use unpack::{Budget, Limits, Opening, StopFlag, detect, open};

use crate::support::{Lie, close, deflate, deflated, gzip, lying, noise, walk};

/// No bomb here takes longer than this in the dev profile; far above what was measured.
const SOON: Duration = Duration::from_secs(20);

fn ends_with(data: &[u8], limits: Limits, reason: UnscannedReason) -> crate::support::Walk {
    let start = testkit::CpuClock::now();
    let walk = walk(data, limits);
    assert!(walk.reasons.contains(&reason), "{:?}", walk.reasons);
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    walk
}

/// A raw Deflate stream of `count` MiB of zeros, made from one block that is repeated.
fn zeros(count: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(64 * 1024);
    let mut state = Compress::new(Compression::new(9), false);
    state.compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    let mut out = block.repeat(count);
    out.extend(deflate(b""));
    out
}

#[test]
fn ten_gigabytes_of_zeros_in_gzip_end_by_ratio() {
    let head = &gzip(None, b"")[..10];
    let data = [head, &zeros(10 * 1024)[..], &[0; 8]].concat();
    let walk = ends_with(&data, Limits::default(), LimitRatio);
    assert!(walk.bytes < 64 << 20, "{}", walk.bytes);
}

#[test]
fn ten_gigabytes_in_many_gzip_streams_end_by_ratio() {
    let data = gzip(None, &vec![0; 1 << 20]).repeat(10 * 1024);
    let walk = ends_with(&data, Limits::default(), LimitRatio);
    assert!(walk.bytes < 64 << 20, "{}", walk.bytes);
}

#[test]
fn gigabytes_of_zeros_in_a_zip_end_by_ratio() {
    let data = lying(&[Lie { data: zeros(4096), size: u32::MAX, ..Lie::deflated("a", b"") }]);
    ends_with(&data, Limits::default(), LimitRatio);
}

#[test]
fn archives_in_archives_end_by_depth() {
    let mut data = deflated(&[("bottom", b"content")]);
    for _ in 0..100 {
        data = deflated(&[("next.zip", &data)]);
    }
    let walk = ends_with(&data, Limits::default(), LimitDepth);
    assert_eq!(walk.deepest, 33);
    let mut data = gzip(None, b"content");
    for _ in 0..100 {
        data = gzip(None, &data);
    }
    ends_with(&data, Limits::default(), LimitDepth);
}

#[test]
fn thirty_two_levels_are_read() {
    let mut data = b"bottom".to_vec();
    for _ in 0..32 {
        data = deflated(&[("next", &data)]);
    }
    let walk = walk(&data, Limits::default());
    assert_eq!((walk.reasons.len(), walk.deepest), (0, 32));
}

#[test]
fn a_tree_of_archives_ends_by_objects() {
    // Ten in each of ten in each of ten, five levels: 100,000 leaves in a small file.
    let mut data = b"leaf".to_vec();
    for _ in 0..5 {
        let names: Vec<String> = (0..10).map(|at| at.to_string()).collect();
        let list: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &data[..])).collect();
        data = deflated(&list);
    }
    let walk = ends_with(&data, Limits::default(), LimitObjects);
    assert!(walk.names.len() <= 10_000 + 32);
}

#[test]
fn a_hundred_thousand_members_end_by_objects() {
    let members: Vec<Lie> = (0..100_000).map(|at| Lie::stored(&at.to_string(), b"")).collect();
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for member in &members {
        central.extend(member.central_bytes(out.len()));
        out.extend(member.local_bytes());
    }
    let walk = ends_with(&close(out, &central, (100_000 % 65_536) as u16), Limits::default(), LimitObjects);
    assert_eq!(walk.names.len(), 9_999, "the root counts too");
    let listed = walk.names.iter().zip(0..).all(|(name, at)| *name == at.to_string());
    assert!(listed, "each comes once, none a second time as an unlisted one");
}

#[test]
fn a_hundred_thousand_unlisted_members_end_by_objects() {
    let data = Lie::stored("a", b"x").local_bytes().repeat(100_000);
    let walk = ends_with(&data, Limits::default(), LimitObjects);
    assert!(walk.names.len() <= 10_000);
}

#[test]
fn members_that_share_their_data_end_by_ratio() {
    // Once noise, where only the amount that is read tells; once zeros, where the output does.
    for (content, most) in [(noise(200_000, 5), 20 << 20), (vec![0; 1 << 20], 2 << 30)] {
        let one = Lie::deflated("kernel", &content);
        let central: Vec<u8> = (0..5000).flat_map(|_| one.central_bytes(0)).collect();
        let walk = ends_with(&close(one.local_bytes(), &central, 5000), Limits::default(), LimitRatio);
        assert!(walk.bytes < most, "{}", walk.bytes);
    }
}

#[test]
fn an_archive_that_claims_everything_again_and_again_ends() {
    // Unlisted streamed headers, each of which could take all that is left.
    let header = Lie { streamed: true, data: Vec::new(), ..Lie::deflated("a", b"") }.local_bytes();
    let unit = [&header[..33], &[0x4b, 0x4c, 0x04, 0x00][..]].concat();
    let start = testkit::CpuClock::now();
    walk(&unit.repeat(20_000), Limits::default());
    assert!(start.elapsed() < SOON);
}

#[test]
fn all_bytes_together_are_limited() {
    let limits = Limits { bytes_out: 1 << 20, ..Limits::default() };
    let content = noise(100_000, 6);
    let names: Vec<String> = (0..50).map(|at| at.to_string()).collect();
    let list: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &content[..])).collect();
    let walk = ends_with(&deflated(&list), limits, LimitBytes);
    assert!(walk.bytes <= (1 << 20) + 70_000);
}

#[test]
fn one_large_member_does_not_keep_the_next_from_being_read() {
    let limits = Limits { object_bytes: 100_000, ..Limits::default() };
    let data = deflated(&[("large", &noise(300_000, 7)), ("small", b"content")]);
    let mut budget = Budget::new(limits, StopFlag::new());
    let Opening::Container(mut zip) = open(detect(&data), &data, &mut budget) else { panic!("no archive") };
    let large = zip.next(&data, &mut budget).unwrap();
    assert_eq!(large.problems, [LimitBytes]);
    assert!(large.content.len() <= 100_000);
    assert_eq!(zip.next(&data, &mut budget).unwrap().content, b"content");
}

#[test]
fn work_ends_with_the_fuel_and_with_the_fence() {
    let data = deflated(&[("a", &noise(3_000_000, 8)), ("b", b"content")]);
    let walk = ends_with(&data, Limits { fuel: 4_000_000, ..Limits::default() }, LimitTime);
    assert!(walk.fuel < 9_000_000, "{}", walk.fuel);

    let mut budget = Budget::new(Limits::default(), StopFlag::new());
    let fence = budget.fence(4_000_000);
    let Opening::Container(mut zip) = open(detect(&data), &data, &mut budget) else { panic!("no archive") };
    assert_eq!(zip.next(&data, &mut budget).unwrap().problems, [LimitTime]);
    assert!(zip.next(&data, &mut budget).is_none());
    assert_eq!(zip.problems(), [LimitTime]);
    budget.unfence(fence);
    assert_eq!(budget.exhausted(), None);
}

#[test]
fn the_stop_flag_ends_a_member_midway() {
    let data = deflated(&[("a", &noise(1_000_000, 9))]);
    let stop = StopFlag::new();
    let mut budget = Budget::new(Limits::default(), stop.clone());
    let Opening::Container(mut zip) = open(detect(&data), &data, &mut budget) else { panic!("no archive") };
    stop.stop();
    assert!(zip.next(&data, &mut budget).is_none());
    assert_eq!(zip.problems(), [LimitTime]);
}

#[test]
fn reading_takes_linear_time() {
    let build = |count: usize| {
        let members: Vec<Lie> = (0..count).map(|at| Lie::stored(&at.to_string(), &noise(300, at as u64))).collect();
        lying(&members)
    };
    let fuel = |count: usize| walk(&build(count), Limits::default()).fuel;
    let (one, four) = (fuel(1000), fuel(4000));
    assert!(four < one * 5, "{one} {four}");
}

#[test]
fn an_xz_stream_of_empty_blocks_with_huge_dictionaries_ends() {
    let mut data = Vec::new();
    data.write_all(b"\xfd7zXZ\0\0\x01\x69\x22\xde\x36").unwrap();
    // Block header: 12 bytes, LZMA2 with a dictionary of 4 GiB - 1.
    let head = b"\x02\0\x21\x01\x28\0\0\0";
    data.extend(head);
    data.extend(crc32fast::hash(head).to_le_bytes());
    data.extend([0; 64]);
    let walk = walk(&lying(&[Lie { method: 95, data, ..Lie::stored("a", b"x") }]), Limits::default());
    assert!(walk.reasons.contains(&LimitBytes), "{:?}", walk.reasons);
}
