//! cpio in its four kinds: new ASCII (`070701`, with checksums `070702`), old ASCII (`070707`), and
//! binary in either order of bytes.
//!
//! What stands behind the trailer comes as unlisted: further archives, as in boot images, member by
//! member, anything else as it is. Limits: [`MAX_NAME`], and the budget. Not handled: checksums; a file
//! with several names has its content under the last.

use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, take};
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;

/// Longest name, in bytes.
const MAX_NAME: u64 = 4096;
/// Archives are filled up to a multiple of this, in bytes.
const BLOCK: usize = 512;
/// The name of the last member.
const TRAILER: &[u8] = b"TRAILER!!!";
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// What a header says.
struct Header {
    name: Range<usize>,
    data: Range<usize>,
    /// Where the next header stands.
    next: usize,
    /// The data is cut off.
    cut: bool,
    /// It is a folder, a device or the like.
    special: bool,
}

impl Header {
    /// The header at `at`.
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let field = |from: usize, len: usize, base: u32| {
            let text = take(data, at.checked_add(from)?, len)?;
            u64::from_str_radix(std::str::from_utf8(text).ok()?, base).ok()
        };
        let binary = |swap: bool| {
            let word = |from: usize| Some(u64::from(swapped(le16(data, at.checked_add(from)?)?, swap)));
            Some((26, 2, word(6)?, word(20)?, word(22)? << 16 | word(24)?))
        };
        let (head, unit, mode, name, size) = match between(data, at, at.saturating_add(6)) {
            b"070701" | b"070702" => (110, 4, field(14, 8, 16)?, field(94, 8, 16)?, field(54, 8, 16)?),
            b"070707" => (76, 1, field(18, 6, 8)?, field(59, 6, 8)?, field(65, 11, 8)?),
            [0xc7, 0x71, ..] => binary(false)?,
            [0x71, 0xc7, ..] => binary(true)?,
            _ => return None,
        };
        if name == 0 || name > MAX_NAME {
            return None;
        }
        let name_at = at.checked_add(head)?;
        let name_end = name_at.checked_add(usize::try_from(name).ok()?)?;
        // The name ends with a NUL.
        if data.get(name_end.checked_sub(1)?) != Some(&0) {
            return None;
        }
        // Filled up from the header's start.
        let filled = |end: usize| {
            let len = end.checked_sub(at)?.checked_next_multiple_of(unit)?;
            at.checked_add(len)
        };
        let start = filled(name_end)?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        let next = filled(end)?.min(data.len());
        let name = name_at..name_end.checked_sub(1)?;
        let special = !matches!(mode & 0o170_000, 0 | 0o100_000);
        Some(Self { name, data: start.min(data.len())..end.min(data.len()), next, cut: end > data.len(), special })
    }
}

fn swapped(word: u16, swap: bool) -> u16 {
    if swap { word.swap_bytes() } else { word }
}

/// Whether an archive starts here.
pub(crate) fn starts(data: &[u8]) -> bool {
    Header::read(data, 0).is_some()
}

/// A cpio archive.
pub(crate) struct Cpio {
    at: usize,
    index: u32,
    /// A trailer was passed.
    ended: bool,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Cpio {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { at: 0, index: 0, ended: false, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    /// The next member with content; what is no member comes as it is.
    fn find(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let Some(header) = Header::read(data, self.at) else {
            let rest = between(data, self.at, data.len());
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            let behind = self.at.saturating_add(zeros);
            if self.ended && zeros > 0 && Header::read(data, behind).is_some() {
                self.at = behind;
                return None;
            }
            // Without a trailer the archive is not whole.
            if !self.ended {
                self.problem(UnscannedReason::Damaged);
            }
            // Archives are filled up to a block.
            let block = self.at.checked_next_multiple_of(BLOCK).filter(|block| *block <= behind).unwrap_or(self.at);
            let rest = between(data, block, data.len());
            self.at = data.len();
            let mut member = Member { hidden: true, ..Member::default() };
            stored(&mut member, rest, budget, &mut self.meter);
            return (behind < data.len()).then_some(member);
        };
        self.member(&header, data, budget)
    }

    /// The member of a header; `None` for the trailer and for what is empty and no file.
    fn member(&mut self, header: &Header, data: &[u8], budget: &mut Budget) -> Option<Member> {
        self.at = header.next;
        let name = between(data, header.name.start, header.name.end);
        if name == TRAILER && header.data.is_empty() {
            self.ended = true;
            return None;
        }
        if header.special && header.data.is_empty() {
            return None;
        }
        let (name, other_names) = names::split([names::decode(name)]);
        let mut member = Member { name, other_names, hidden: self.ended, ..Member::default() };
        stored(&mut member, between(data, header.data.start, header.data.end), budget, &mut self.meter);
        if header.cut {
            member.problem(UnscannedReason::Damaged);
        }
        Some(member)
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }
}

impl Container for Cpio {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        while self.at < data.len() {
            if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
                self.problem(limit.into());
                self.at = data.len();
                return None;
            }
            self.meter.next_object();
            if let Some(mut member) = self.find(data, budget) {
                member.index = self.index;
                self.index = self.index.saturating_add(1);
                return Some(member);
            }
        }
        if !self.ended {
            self.problem(UnscannedReason::Damaged);
            self.ended = true;
        }
        None
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
