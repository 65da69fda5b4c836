//! RAR: what the stored samples do not show.

use mail::evidence::{FileKind, UnscannedReason};
use unpack::{Limits, Member};

use crate::samples::stored_sample;
use crate::support::{members, walk};

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
