//! ISO 9660 with Joliet and Rock Ridge names, and UDF: the files of the tree that Windows shows (UDF, then
//! Joliet, then the primary one), and those that only the others have, as unlisted members.
//!
//! Limits: [`tree`]'s, [`udf`]'s, and the budget; [`MAX_READ`] times the image's size may be read in all. Not
//! handled: interleaved files, compressed ones (zisofs), images of raw sectors, further sessions.

mod tree;
mod udf;

use std::collections::BTreeSet;
use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, take};
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::formats::several;
use crate::names;
use tree::{File, SECTOR, Tree};

/// The first volume descriptor's sector.
const FIRST: usize = 16;
/// The least that is the disc itself: up to the end of its first descriptor. What is behind is another file.
const HEAD: u64 = ((FIRST + 1) * SECTOR) as u64;
/// Most volume descriptors.
const MAX_DESCRIPTORS: usize = 64;
/// How many times the image's size may be read by all files together: they may share their sectors.
const MAX_READ: u64 = 3;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// Whether an image starts here.
pub(crate) fn starts(data: &[u8]) -> bool {
    descriptor(data, 0).is_some_and(|sector| sector.first() == Some(&1))
}

/// A volume descriptor, by its place.
fn descriptor(data: &[u8], place: usize) -> Option<&[u8]> {
    let at = place.checked_add(FIRST)?.checked_mul(SECTOR)?;
    take(data, at, SECTOR).filter(|sector| take(sector, 1, 5) == Some(b"CD001"))
}

/// An image.
pub(crate) struct Iso {
    files: std::vec::IntoIter<File>,
    /// The pieces that were given.
    known: BTreeSet<Vec<(usize, u64)>>,
    /// Archives beside the files that are still to be given.
    beside: std::vec::IntoIter<Range<usize>>,
    index: u32,
    read: u64,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Iso {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let (mut joliet, mut primary) = (Vec::new(), Vec::new());
        // There may be more descriptors than are looked at.
        let more = (0..=MAX_DESCRIPTORS)
            .all(|place| descriptor(data, place).is_some_and(|sector| sector.first() != Some(&255)));
        for place in 0..MAX_DESCRIPTORS {
            let Some(sector) = descriptor(data, place) else { break };
            let unicode = take(sector, 88, 3).is_some_and(|escape| matches!(escape, [b'%', b'/', b'@' | b'C' | b'E']));
            match sector.first() {
                Some(2) if unicode => joliet.push((sector, true)),
                // ISO 9660:1999 has an enhanced descriptor, of the same type without Joliet's mark.
                Some(1 | 2) => primary.push((sector, false)),
                Some(255) => break,
                _ => {}
            }
        }
        let (mut files, mut problems) = udf::read(data, budget).unwrap_or_default();
        let udf = !files.is_empty();
        let mut tree = Tree::new(data, budget);
        // Programs differ in which of several trees they take: Windows the first Joliet one, others the last.
        let mut roots: BTreeSet<(&[u8], bool)> = BTreeSet::new();
        let mut hidden = udf;
        for (sector, unicode) in joliet.into_iter().chain(primary) {
            if let Some(root) = take(sector, 156, 34).filter(|root| roots.insert((root, unicode))) {
                tree.read(root, unicode, hidden);
                hidden = true;
            }
        }
        let (others, wrong) = tree.done();
        files.extend(others);
        problems.extend(wrong);
        problems.extend(more.then_some(UnscannedReason::LimitObjects));
        let claim = |(start, len): &(usize, u64)| *start as u64..(*start as u64).saturating_add(*len);
        let claims = files.iter().flat_map(|file| &file.pieces).map(claim).chain(std::iter::once(0..HEAD)).collect();
        let (beside, problem) = several::beside_files(data, claims, budget);
        problems.extend(problem);
        Self {
            beside: beside.into_iter(),
            files: files.into_iter(),
            known: BTreeSet::new(),
            index: 0,
            read: 0,
            meter: Meter::new(data.len() as u64),
            problems,
        }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// What stands beside the files.
    fn last(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let range = self.beside.next()?;
        if let Some(limit) = budget.exhausted() {
            self.problem(limit.into());
            self.beside = Vec::new().into_iter();
            return None;
        }
        self.meter.next_object();
        let mut member = Member { index: self.index, hidden: true, ..Member::default() };
        self.index = self.index.saturating_add(1);
        stored(&mut member, between(data, range.start, range.end), budget, &mut self.meter);
        Some(member)
    }

    fn member(&mut self, file: File, data: &[u8], budget: &mut Budget) -> Member {
        let (name, other_names) = names::split(file.names);
        let mut member = Member { name, other_names, hidden: file.hidden, ..Member::default() };
        if file.damaged {
            member.problem(UnscannedReason::Damaged);
        }
        for (start, len) in file.pieces {
            let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
            let piece = between(data, start, end);
            self.read = self.read.saturating_add(piece.len() as u64);
            if self.read > MAX_READ.saturating_mul(data.len() as u64) {
                member.problem(UnscannedReason::LimitRatio);
                return member;
            }
            if end > data.len() {
                member.problem(UnscannedReason::Damaged);
            }
            if !stored(&mut member, piece, budget, &mut self.meter) {
                return member;
            }
        }
        member
    }
}

impl Container for Iso {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        loop {
            let Some(file) = self.files.next() else { return self.last(data, budget) };
            if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
                self.problem(limit.into());
                (self.files, self.beside) = (Vec::new().into_iter(), Vec::new().into_iter());
                return None;
            }
            let index = self.index;
            self.index = index.saturating_add(1);
            // The primary tree names the same files once more.
            let new = file.pieces.is_empty() || self.known.insert(file.pieces.clone());
            if file.hidden && !new {
                continue;
            }
            self.meter.next_object();
            let mut member = self.member(file, data, budget);
            member.index = index;
            return Some(member);
        }
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
