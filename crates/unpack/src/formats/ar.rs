//! ar: libraries and Debian packages; names of GNU and of BSD.
//!
//! Tables of symbols and of names come as unlisted members. Limits: [`MAX_NAME`], and the budget. Not
//! handled: thin archives, whose members are other files.

use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, take};
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;

/// Starts an archive.
pub(crate) const MAGIC: &[u8] = b"!<arch>\n";
/// Length of a header, in bytes.
const HEAD: usize = 60;
/// Longest name, in bytes.
const MAX_NAME: usize = 4096;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// An ar archive.
pub(crate) struct Ar {
    at: usize,
    index: u32,
    /// GNU's table of long names.
    long: Range<usize>,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Ar {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { at: MAGIC.len(), index: 0, long: 0..0, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// The member at hand, whatever it is; what is no member comes as it is.
    fn member(&mut self, data: &[u8], budget: &mut Budget) -> Member {
        let header = take(data, self.at, HEAD).filter(|header| header.ends_with(b"`\n"));
        let size = header.and_then(|header| number(between(header, 48, 58)));
        let (Some(header), Some(size)) = (header, size) else {
            self.problem(UnscannedReason::Damaged);
            let rest = between(data, self.at, data.len());
            self.at = data.len();
            let mut member = Member { hidden: true, ..Member::default() };
            stored(&mut member, rest, budget, &mut self.meter);
            return member;
        };
        let mut start = self.at.saturating_add(HEAD);
        let end = start.saturating_add(size);
        self.at = end.checked_next_multiple_of(2).unwrap_or(end).min(data.len());
        let short = between(header, 0, 16).trim_ascii_end();
        let mut hidden = short.starts_with(b"__.SYMDEF") || matches!(short, b"/" | b"//" | b"/SYM64/");
        if short == b"//" {
            self.long = start..end.min(data.len());
        }
        let name = if let Some(len) = short.strip_prefix(b"#1/").and_then(number) {
            // BSD: the name stands in front of the data.
            let len = len.min(MAX_NAME);
            let name = between(data, start, start.saturating_add(len));
            start = start.saturating_add(len).min(end);
            name
        } else if let Some(place) = short.strip_prefix(b"/").and_then(number) {
            let from = self.long.start.saturating_add(place);
            let rest = between(data, from, self.long.end.min(from.saturating_add(MAX_NAME)));
            between(rest, 0, memchr::memchr(b'\n', rest).unwrap_or(rest.len()))
        } else {
            short
        };
        let name = between(name, 0, memchr::memchr(0, name).unwrap_or(name.len()));
        hidden |= name.starts_with(b"__.SYMDEF");
        let name = if hidden { name } else { name.strip_suffix(b"/").unwrap_or(name) };
        let (name, other_names) = names::split([names::decode(name)]);
        let mut member = Member { name, other_names, hidden, ..Member::default() };
        stored(&mut member, between(data, start, end), budget, &mut self.meter);
        if end > data.len() {
            member.problem(UnscannedReason::Damaged);
        }
        member
    }
}

/// A number in decimal, filled up with blanks.
fn number(field: &[u8]) -> Option<usize> {
    std::str::from_utf8(field).ok()?.trim_end().parse().ok()
}

impl Container for Ar {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        // A line end may fill up the last member.
        if between(data, self.at, data.len()).trim_ascii().is_empty() {
            return None;
        }
        if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
            self.problem(limit.into());
            self.at = data.len();
            return None;
        }
        self.meter.next_object();
        let mut member = self.member(data, budget);
        member.index = self.index;
        self.index = self.index.saturating_add(1);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
