//! OLE2 compound files: honest ones, damaged ones, and bombs.

pub(crate) mod build;
pub(crate) mod office;
mod vba;

use mail::evidence::{FileKind, Role, UnscannedReason};
use unpack::{Limits, Member};

use crate::support::{members, name, noise, walk};
use build::{Compound, NONE};

/// The members of a compound file, and its problems.
pub(crate) fn opened(data: &[u8]) -> (Vec<Member>, Vec<UnscannedReason>) {
    assert_eq!(unpack::detect(data), FileKind::Ole2);
    members(FileKind::Ole2, data)
}

/// The only member of a name.
pub(crate) fn named<'a>(all: &'a [Member], wanted: &str) -> &'a Member {
    let mut found = all.iter().filter(|member| name(member) == wanted);
    let names: Vec<&str> = all.iter().map(name).collect();
    let first = found.next().unwrap_or_else(|| panic!("no {wanted} in {names:?}"));
    assert!(found.next().is_none(), "two of {wanted}");
    first
}

#[test]
fn streams_come_in_one_piece_with_their_paths() {
    let (large, small) = (noise(300_000, 1), noise(1000, 2));
    let mut file = Compound::new();
    file.stream("large", &large);
    file.stream("folder/inner/small", &small);
    file.stream("folder/tiny", b"12");
    let (all, problems) = opened(&file.finish());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(all.len(), 2, "what is shorter than a few numbers is not given");
    assert!(named(&all, "large").content == large);
    assert!(named(&all, "folder/inner/small").content == small);
    assert!(all.iter().all(|member| member.role == Role::File && member.problems.is_empty() && !member.hidden));
}

#[test]
fn files_with_lists_of_tables_beyond_the_header_are_read() {
    let large = noise(9 << 20, 1);
    let mut file = Compound::new();
    file.stream("large", &large);
    let (all, problems) = opened(&file.finish());
    assert!(problems.is_empty(), "{problems:?}");
    assert!(all[0].content == large);
}

#[test]
fn a_stream_that_nothing_leads_to_is_unlisted() {
    let mut file = Compound::new();
    let lost = file.stream("lost", &noise(5000, 1));
    file.stream("there", &noise(100, 2));
    let there = file.find(0, "there").unwrap();
    file.items[there].links = [NONE; 3];
    assert_eq!(lost, 1);
    let (all, _) = opened(&file.finish());
    assert!(named(&all, "lost").hidden && named(&all, "lost").content == noise(5000, 1));
    assert!(!named(&all, "there").hidden);
}

#[test]
fn circles_of_sectors_and_of_the_tree_end_and_are_told() {
    let mut file = Compound::new();
    file.stream("circle", &noise(8192, 1));
    file.stream("good", &noise(8192, 2));
    file.items[1].size = u32::MAX - 5;
    file.fat[15] = 0;
    let data = file.finish();
    let (all, _) = opened(&data);
    let circle = named(&all, "circle");
    assert!(circle.content.len() <= data.len() && circle.content.starts_with(&noise(8192, 1)));
    assert_eq!(circle.problems, [UnscannedReason::Damaged]);
    assert!(named(&all, "good").content == noise(8192, 2));

    let mut file = Compound::new();
    file.stream("folder/a", &noise(100, 1));
    file.stream("folder/b", &noise(100, 2));
    file.items[2].links = [1, 2, 0];
    let (all, problems) = opened(&file.finish());
    assert_eq!(all.len(), 2);
    assert_eq!(problems, [UnscannedReason::Damaged]);
}

#[test]
fn what_is_cut_off_is_read_up_to_there() {
    let mut file = Compound::new();
    file.stream("small", &noise(100, 2));
    file.stream("large", &noise(100_000, 1));
    let data = file.finish();
    // The directory stands at the end of what this writer writes, so nothing but its loss can be told.
    let (all, problems) = members(FileKind::Ole2, &data[..50_000]);
    assert!(all.is_empty());
    assert_eq!(problems, [UnscannedReason::Damaged]);
    let (_, problems) = members(FileKind::Ole2, &data[..40]);
    assert_eq!(problems, [UnscannedReason::Damaged]);
}

#[test]
fn a_hundred_thousand_streams_end_at_the_limit_of_objects() {
    let mut file = Compound::new();
    for number in 0..100_000_u32 {
        let item = file.stream(&format!("{number}"), b"");
        file.items[item].size = 4096;
        file.items[item].start = 0;
        // A line of siblings costs this writer no search.
        file.items[item].links[1] = if number == 0 { NONE } else { number };
    }
    let found = walk(&file.finish(), Limits::default());
    assert!(found.reasons.contains(&UnscannedReason::LimitObjects), "{:?}", found.reasons);
    assert!(found.names.len() <= 10_000);
}

#[test]
fn deep_storages_need_no_deep_stack_and_names_stay_short() {
    let mut file = Compound::new();
    let mut above = 0;
    for _ in 0..50_000 {
        let inner = file.items.len();
        file.items.push(build::Item { name: "s".into(), kind: 1, links: [NONE; 3], class: [0; 16], start: 0, size: 0 });
        file.items[above].links[2] = inner as u32;
        above = inner;
    }
    let leaf = file.stream("x", &noise(100, 1)) as u32;
    file.items[0].links[2] = 1;
    file.items[leaf as usize].links = [NONE; 3];
    file.items[above].links[2] = leaf;
    let (all, problems) = opened(&file.finish());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(name(&all[0]), "s/s/s/s/s/s/s/x");
}

#[test]
fn archives_in_streams_are_opened_there_and_those_behind_the_file_too() {
    let archive = crate::support::deflated(&[("inner.txt", &noise(9000, 4))]);
    let mut file = Compound::new();
    file.stream("stream", &archive);
    let sound = file.finish();
    let found = walk(&sound, Limits::default());
    assert_eq!(found.names, ["stream", "inner.txt"]);
    let behind = [sound, crate::support::deflated(&[("behind.txt", b"text")])].concat();
    let found = walk(&behind, Limits::default());
    assert_eq!(found.names, ["stream", "inner.txt", "", "behind.txt"]);
    assert!(found.reasons.is_empty(), "{:?}", found.reasons);
}

#[test]
fn an_archive_between_the_header_and_the_first_sector_is_found() {
    let archive = crate::support::deflated(&[("between.txt", b"text")]);
    assert!(archive.len() < 400);
    for (sector, places) in [(512, &[80_usize][..]), (4096, &[80, 512, 3600]), (65_536, &[80, 512, 65_000])] {
        let mut file = Compound::of(sector);
        file.stream("stream", &noise(9000, 4));
        let sound = file.finish();
        assert_eq!(walk(&sound, Limits::default()).names, ["stream"], "{sector}");
        for at in places {
            let mut data = sound.clone();
            data[*at..*at + archive.len()].copy_from_slice(&archive);
            let found = walk(&data, Limits::default());
            assert!(found.names.iter().any(|name| name == "between.txt"), "{sector} {at}: {:?}", found.names);
        }
    }
}
