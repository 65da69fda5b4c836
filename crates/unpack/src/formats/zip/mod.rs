//! zip (APPNOTE 6.3), read the ways that programs read it, the union of them given: as the central
//! directory lists it, as other directories list it which other programs may find, as the local
//! headers tell it where they disagree with the directory, and members that only a local header tells of (in
//! front of the archive, between its members, behind it). Archives of other kinds in what no member has claimed
//! (the comment, too) come as unlisted members.
//!
//! Why not the `zip` crate: it borrows the file for as long as it is open, so members one by one
//! would read the directory anew each time; members of equal name hide each other; its XZ reader
//! takes any dictionary. It is the oracle in the tests.
//!
//! Methods: stored, Shrink, Reduce, Implode, Deflate, Deflate64, bzip2, LZMA, Zstandard, XZ, PPMd; others
//! (WavPack, JPEG) are reported as an unknown format.
//! Limits: the budget; [`MAX_READ`] times the archive's size may be read in all, so that members
//! which share their data end as a bomb. Encrypted members are opened with the passwords of the budget.
//! Not handled: PKWARE's strong encryption; of archives split over several files what one of them holds
//! is given, and that it is one of several is said.

mod crypt;
mod directory;
mod header;
mod layout;
mod reading;

use std::collections::BTreeSet;
use std::ops::Range;

use mail::evidence::{PasswordSource, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::{decode, stored};
use crate::formats::{packed, several};
use crate::names;
use directory::Directory;
use header::{Header, LOCAL_MAGIC};

pub(crate) use directory::{extent, has_directory, member_names, places};
pub use layout::{Entry, Layout, layout};

/// How many times an archive's size may be read from it by all members together.
const MAX_READ: u64 = 3;
/// What is always granted beside it, in bytes.
const READ_FLOOR: u64 = 64 * 1024;
/// How much work the start of a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 16 * 1024;

/// Begins the first file of several (APPNOTE 8.5.3).
const FIRST_VOLUME: &[u8] = b"PK\x07\x08PK\x03\x04";

/// One member as one header tells of it.
struct Plan {
    index: u32,
    header: Header,
    /// Where its data starts; `None`: its local header is not where the directory says.
    data: Option<usize>,
    /// A second name, from the other header.
    other: Option<Range<usize>>,
    /// The two headers disagree.
    differs: bool,
    hidden: bool,
}

/// The contents of the listed members with a name, the one that is written just so first, for what has to be
/// known before the others; at most `most`. What cannot be read whole is left out.
pub(crate) fn members_named(
    data: &[u8],
    name: &[u8],
    most: usize,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Vec<Vec<u8>> {
    let directory = Directory::read(data, budget.limits().objects);
    let named = |header: &&Header| header.raw_name(data).eq_ignore_ascii_case(name);
    let mut found: Vec<&Header> = directory.records.iter().filter(named).collect();
    found.sort_by_key(|header| header.raw_name(data) != name);
    let mut content = |header: &Header| {
        let from = Directory::local(data, header)?.at.end;
        let packed = between(data, from, from.saturating_add(usize::try_from(header.packed).ok()?));
        let method = header.compression().filter(|_| !header.is_encrypted())?;
        let decoded = decode(method, packed, budget, meter);
        header.is_met(method, &decoded, packed.len()).then_some(decoded.content)
    };
    found.into_iter().take(most).filter_map(&mut content).collect()
}

/// A zip archive.
pub(crate) struct Zip {
    directory: Directory,
    /// The next record of the directory.
    next: usize,
    /// The other reading of the record before, still to come.
    second: Option<Plan>,
    /// The number of the next member that the directory does not list.
    unlisted: u32,
    /// The readings that were given: local header, method, packed size, encrypted.
    known: BTreeSet<(usize, u16, u64, bool)>,
    meter: Meter,
    /// Bytes read by all members.
    read: u64,
    /// What members and the directory take up; sorted and joined once the unlisted are looked for.
    claimed: Vec<Range<usize>>,
    /// Where the look for unlisted members is; `None`: not begun.
    gaps: Option<Gaps>,
    /// Other archives in what nothing has claimed, once they are looked for.
    strays: Option<std::vec::IntoIter<Range<usize>>>,
    ended: bool,
    /// The password that opened a member, and how many members none opened.
    password: Option<(String, PasswordSource)>,
    failed: u32,
    problems: Vec<UnscannedReason>,
}

/// The look through what nothing has claimed.
struct Gaps {
    at: usize,
    next_claim: usize,
    /// What the unlisted members take up.
    found: Vec<Range<usize>>,
}

impl Zip {
    pub(crate) fn open(data: &[u8], budget: &Budget) -> Self {
        let directory = Directory::read(data, budget.limits().objects);
        let mut problems = Vec::new();
        if !directory.sound {
            problems.push(UnscannedReason::Damaged);
        }
        if directory.cut {
            problems.push(UnscannedReason::LimitObjects);
        }
        if directory.split || data.starts_with(FIRST_VOLUME) && !directory.sound {
            problems.push(UnscannedReason::Volume);
        }
        Self {
            next: 0,
            second: None,
            unlisted: directory.records.len().saturating_add(directory.others.len()) as u32,
            known: BTreeSet::new(),
            meter: Meter::new(data.len() as u64),
            read: 0,
            claimed: vec![directory.at.clone()],
            gaps: None,
            strays: None,
            ended: false,
            password: None,
            failed: 0,
            directory,
            problems,
        }
    }

    fn end(&mut self, reason: UnscannedReason) {
        self.ended = true;
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// The next member that the directory lists, or its other reading.
    fn listed(&mut self, data: &[u8]) -> Option<Plan> {
        if let Some(mut second) = self.second.take() {
            second.index = self.take_number();
            return Some(second);
        }
        while let Some((header, hidden)) = self.directory.record(self.next) {
            let index = self.next as u32;
            self.next = self.next.saturating_add(1);
            let Some(local) = Directory::local(data, &header) else {
                return Some(Plan { index, header, data: None, other: None, differs: false, hidden });
            };
            if !self.known.insert((local.at.start, header.method, header.packed, header.is_encrypted())) && hidden {
                continue;
            }
            self.claimed.push(local.at.clone());
            let differs = !header.agrees(&local, data);
            if !differs && header.is_folder(data) {
                continue;
            }
            let (other, from) = (Some(local.name.clone()), Some(local.at.end));
            if !header.same_reading(&local) {
                let other = Some(header.name.clone());
                self.second = Some(Plan { index, header: local, data: from, other, differs, hidden: true });
            }
            return Some(Plan { index, header, data: from, other, differs, hidden });
        }
        None
    }

    /// The next member that only a local header tells of.
    fn hidden(&mut self, data: &[u8], budget: &mut Budget) -> Option<Plan> {
        // With the records not all read, what they list would look unlisted.
        if self.directory.cut {
            return None;
        }
        if self.gaps.is_none() {
            self.join_claims();
            self.gaps = Some(Gaps { at: 0, next_claim: 0, found: Vec::new() });
            if let Err(limit) = budget.burn(data.len() as u64) {
                self.end(limit.into());
                return None;
            }
        }
        let gaps = self.gaps.as_mut()?;
        loop {
            let claim = self.claimed.get(gaps.next_claim);
            let end = claim.map_or(data.len(), |claim| claim.start);
            let Some(found) = memchr::memmem::find(between(data, gaps.at, end), LOCAL_MAGIC) else {
                gaps.at = gaps.at.max(claim?.end);
                gaps.next_claim = gaps.next_claim.saturating_add(1);
                continue;
            };
            let start = gaps.at.saturating_add(found);
            gaps.at = start.saturating_add(LOCAL_MAGIC.len());
            let Some(header) = Header::local(data, start).filter(|header| header.is_plausible(end)) else { continue };
            if header.is_folder(data) && !header.is_streamed() {
                continue;
            }
            gaps.at = header.at.end;
            let header = header.opened(data, end);
            let (index, from) = (self.take_number(), Some(header.at.end));
            return Some(Plan { index, header, data: from, other: None, differs: false, hidden: true });
        }
    }

    /// The next archive of another kind, or compressed stream, that stands between the members, in the comment or behind the end.
    fn stray(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        // What a zip archive stands behind is read as what it is.
        if !data.starts_with(b"PK") {
            return None;
        }
        if self.strays.is_none() {
            let found = self.gaps.take().map(|gaps| gaps.found).unwrap_or_default();
            self.claimed.extend(found);
            self.join_claims();
            let (claimed, mut left) = (self.claimed.iter().cloned(), packed::allowed(data));
            let (strays, over) = several::packed_between(data, 0..data.len(), claimed, &mut left);
            self.strays = Some(strays.into_iter());
            if over && !self.problems.contains(&UnscannedReason::LimitObjects) {
                self.problems.push(UnscannedReason::LimitObjects);
            }
            budget.burn(data.len() as u64).ok()?;
        }
        let range = self.strays.as_mut()?.next()?;
        self.meter.next_object();
        let mut member = Member { index: self.take_number(), hidden: true, ..Member::default() };
        stored(&mut member, between(data, range.start, range.end), budget, &mut self.meter);
        Some(member)
    }

    /// A number for a member that the directory does not list.
    fn take_number(&mut self) -> u32 {
        let number = self.unlisted;
        self.unlisted = number.saturating_add(1);
        number
    }

    fn join_claims(&mut self) {
        self.claimed = several::joined(std::mem::take(&mut self.claimed));
    }

    /// Reads one member, and claims what was its own.
    fn member(&mut self, plan: &Plan, data: &[u8], budget: &mut Budget) -> Member {
        let header = &plan.header;
        let other = plan.other.as_ref().map(|name| between(data, name.start, name.end));
        let all = [Some(header.raw_name(data)), header.unicode_name(data), other];
        let (name, other_names) = names::split(all.into_iter().flatten().map(names::decode));
        let mut member = Member { index: plan.index, name, other_names, hidden: plan.hidden, ..Member::default() };
        if plan.differs {
            member.problem(UnscannedReason::Damaged);
        }
        let Some(from) = plan.data else {
            member.problem(UnscannedReason::Damaged);
            return member;
        };
        if let Err(limit) = budget.burn(MEMBER_FUEL) {
            member.problem(limit.into());
            return member;
        }
        let to = from.saturating_add(usize::try_from(header.packed).unwrap_or(usize::MAX));
        let packed = between(data, from, to);
        let own = if header.is_encrypted() {
            self.unlock(&mut member, header, packed, data, budget)
        } else {
            self.read(&mut member, header, packed, budget)
        };
        if to > data.len() {
            member.problem(UnscannedReason::Damaged);
        }
        let end = from.saturating_add(own);
        match self.gaps.as_mut() {
            None => self.claimed.push(from..end),
            Some(gaps) => {
                gaps.at = gaps.at.max(end);
                gaps.found.push(header.at.start..end);
            }
        }
        member
    }
}

impl Container for Zip {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if self.ended {
            return None;
        }
        let plan = if self.strays.is_none() { self.listed(data).or_else(|| self.hidden(data, budget)) } else { None };
        if let Some(limit) = budget.exhausted() {
            self.end(limit.into());
            return None;
        }
        let Some(plan) = plan else {
            let stray = if self.directory.cut || self.ended { None } else { self.stray(data, budget) };
            self.ended |= stray.is_none();
            return stray;
        };
        Some(self.member(&plan, data, budget))
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
