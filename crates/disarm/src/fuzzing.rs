//! Entry points for fuzzing: rebuilds files and asserts that what remains is what was there.

use unpack::{Budget, Limits, Member, Opening, StopFlag, detect, open};

/// The first byte says which members are removed, the rest is the archive.
pub fn fuzz_zip_without(data: &[u8]) {
    let Some((mask, data)) = data.split_first() else { return };
    let remove: Vec<u32> = (0..8).filter(|bit| mask >> bit & 1 == 1).collect();
    let Ok(rebuilt) = crate::zip_without(data, &remove) else { return };
    assert!(rebuilt.len() <= data.len(), "a rebuild never grows");
    let before = members(data).into_iter().filter(|member| member.hidden || !remove.contains(&member.index));
    let seen = |member: Member| (member.name, member.content, member.problems);
    assert!(before.map(seen).eq(members(&rebuilt).into_iter().map(seen)), "the rest is as it was");
}

fn members(data: &[u8]) -> Vec<Member> {
    let limits = Limits { fuel: 64 << 20, ratio: u32::MAX, ..Limits::default() };
    let mut budget = Budget::new(limits, StopFlag::new());
    let Opening::Container(mut zip) = open(detect(data), data, &mut budget) else { return Vec::new() };
    std::iter::from_fn(|| zip.next(data, &mut budget)).take(1000).collect()
}

/// Takes all active content out of a file: no panic, and what comes out can be opened again.
pub fn fuzz_disarm(data: &[u8]) {
    let limits = Limits { fuel: 64 << 20, ratio: u32::MAX, ..Limits::default() };
    let mut budget = Budget::new(limits, StopFlag::new());
    let active = mail::evidence::Active::ALL.into_iter().collect();
    let wish = crate::Wish { active, ..crate::Wish::default() };
    let kind = detect(data);
    let Ok(rebuilt) = crate::remove(kind, data, &wish, &mut budget) else { return };
    assert!(!rebuilt.bytes.is_empty(), "a document does not become nothing");
    assert!(rebuilt.removed.len() <= crate::MAX_REMOVALS, "what is told is bounded");
}
