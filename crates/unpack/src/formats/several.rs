//! Files that are several things at once: an archive behind a program, a picture, or another archive.
//! What a first reading does not show comes as unlisted members of the others.

use std::ops::Range;

use mail::defect::Ambiguity;
use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32, le64, take};
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::formats::packed::{self, Sought};
use crate::formats::{sevenz, tar, zip};

/// Most archives of one kind in one file; more are told.
const MAX_EMBEDDED: usize = 16;
/// Less than this holds no archive, in bytes.
const LEAST_PACKED: usize = 16;
/// How much work it is to look into what stands between two files of a disk, in fuel, beside its bytes.
const GAP_FUEL: u64 = 4096;
/// Most ends of lines and blanks behind the mark of a file's end, in bytes.
const MAX_FILLER: usize = 4;

/// One reading: which bytes it has, and the container in them.
pub(crate) struct Reading {
    pub(crate) range: Range<usize>,
    pub(crate) container: Box<dyn Container>,
    /// Its members are unlisted ones, and damage is not told as long as it has no member.
    pub(crate) hidden: bool,
}

/// Readings, one after the other.
pub(crate) struct Several {
    readings: std::vec::IntoIter<Reading>,
    present: Option<Reading>,
    /// What is added to the numbers of the present reading, and the next number.
    base: u32,
    next: u32,
    /// Whether the present reading gave a member.
    gave: bool,
    problems: Vec<UnscannedReason>,
    /// That of a message which is something else as well.
    ambiguity: Ambiguity,
}

impl Several {
    /// `problems`: what is known already.
    pub(crate) fn new(readings: Vec<Reading>, problems: Vec<UnscannedReason>) -> Self {
        let ambiguity = readings.iter().map(|reading| reading.container.ambiguity()).max().unwrap_or_default();
        Self { readings: readings.into_iter(), present: None, base: 0, next: 0, gave: false, problems, ambiguity }
    }
}

impl Container for Several {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        loop {
            if self.present.is_none() {
                self.present = Some(self.readings.next()?);
                (self.base, self.gave) = (self.next, false);
            }
            let reading = self.present.as_mut()?;
            let bytes = between(data, reading.range.start, reading.range.end);
            if let Some(mut member) = reading.container.next(bytes, budget) {
                member.index = self.base.saturating_add(member.index);
                member.parent = member.parent.map(|parent| self.base.saturating_add(parent));
                member.hidden |= reading.hidden;
                self.next = self.next.max(member.index.saturating_add(1));
                self.gave = true;
                return Some(member);
            }
            for problem in reading.container.problems() {
                // What gives nothing may only look like an archive; a lock or a limit is no accident.
                let counts = self.gave || !reading.hidden || *problem != UnscannedReason::Damaged;
                if counts && !self.problems.contains(problem) {
                    self.problems.push(*problem);
                }
            }
            self.present = None;
        }
    }

    fn ambiguity(&self) -> Ambiguity {
        self.ambiguity
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

/// Where 7z archives stand that begin at a place which counts: their magic, a head whose checksum is right, and all up to the end of the
/// header, or one that was never written and all behind it; the flag says that there are more.
pub(crate) fn find_7z(data: &[u8], counts: &dyn Fn(usize) -> bool) -> (Vec<Range<usize>>, bool) {
    apart(places(data, b"7z\xbc\xaf\x27\x1c").filter(|at| counts(*at)).filter_map(|at| {
        if sevenz::lost_header(between(data, at, data.len())).is_some() {
            return Some(at..data.len());
        }
        let head = take(data, at, 32).filter(|head| le32(head, 8) == Some(crc32fast::hash(between(head, 12, 32))))?;
        let number = |at: usize| usize::try_from(le64(head, at)?).ok();
        let end = at.checked_add(32)?.checked_add(number(12)?)?.checked_add(number(20)?)?;
        Some(at..end.min(data.len()))
    }))
}

/// Where a RAR archive stands: its magic with the two forms of its end, and all behind it.
pub(crate) fn find_rar(data: &[u8], counts: &dyn Fn(usize) -> bool) -> Option<Range<usize>> {
    let found = places(data, b"Rar!\x1a\x07").find(|at| {
        let behind = between(data, at.saturating_add(6), at.saturating_add(8));
        (behind.first() == Some(&0) || behind == b"\x01\0") && counts(*at)
    });
    found.map(|at| at..data.len())
}

/// Where a zip archive stands that has lost its directory: from the head of a member that looks right.
pub(crate) fn find_zip(data: &[u8], counts: &dyn Fn(usize) -> bool) -> Option<Range<usize>> {
    let found = places(data, b"PK\x03\x04").find(|at| {
        let field = |offset: usize| le16(data, at.saturating_add(offset));
        let name = between(data, at.saturating_add(30), at.saturating_add(31));
        let (version, method) = (field(4).unwrap_or(u16::MAX) & 0xff, field(8).unwrap_or(u16::MAX));
        version <= 63
            && method <= 99
            && matches!(field(26), Some(1..=1024))
            && name.first().is_some_and(|byte| *byte >= b' ')
            && counts(*at)
    });
    found.map(|at| at..data.len())
}

/// Where cabinets stand: their magic, version 1.3, and a size that fits; the flag says that there are more.
pub(crate) fn find_cab(data: &[u8], counts: &dyn Fn(usize) -> bool) -> (Vec<Range<usize>>, bool) {
    apart(places(data, b"MSCF\0\0\0\0").filter(|at| counts(*at)).filter_map(|at| {
        let head = take(data, at, 36).filter(|head| le16(head, 24) == Some(0x0103))?;
        let end = at.checked_add(usize::try_from(le32(head, 8)?).ok()?)?;
        (end <= data.len() && end > at.saturating_add(36)).then_some(at..end)
    }))
}

/// Where the first mark of an archive that is found behind anything stands in these bytes.
fn first_mark(data: &[u8]) -> Option<usize> {
    let marks: [&[u8]; 3] = [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"MSCF\0\0\0\0"];
    marks.iter().filter_map(|mark| memchr::memmem::find(data, mark)).min()
}

/// Where the first archive or compressed stream begins in bytes that belong to nothing. `left`: how many bytes of heads
/// may still be checked; the flag says that there are more marks than that.
pub(crate) fn first_packed(data: &[u8], left: &mut u64) -> (Option<usize>, bool) {
    if data.len() < LEAST_PACKED {
        return (None, false);
    }
    // The first tar had no mark.
    if packed::starts(data) || tar::is_header(between(data, 0, 512)) {
        return (Some(0), false);
    }
    let (found, more) = packed::first_within(data, Sought::Streams, &|_| true, left);
    (found.into_iter().chain(first_mark(data)).min(), more)
}

/// Where an archive or a compressed stream begins in what stands between ranges that are taken, or behind them, in their
/// order: up to the next of them. `left`: how many bytes of heads may still be checked; the flag says that there are more
/// marks than that.
pub(crate) fn packed_between(
    data: &[u8],
    range: Range<usize>,
    taken: impl IntoIterator<Item = Range<usize>>,
    left: &mut u64,
) -> (Vec<Range<usize>>, bool) {
    let (mut found, mut over, mut at) = (Vec::new(), false, range.start);
    for taken in taken.into_iter().chain(std::iter::once(range.end..range.end)) {
        let (mark, more) = first_packed(between(data, at, taken.start), left);
        over |= more;
        found.extend(mark.map(|mark| at.saturating_add(mark)..taken.start));
        at = at.max(taken.end);
    }
    (found, over)
}

/// What stands on a disk where none of its files does, from where an archive or a compressed stream begins in it:
/// other programs open the same file as that. `claims`: where the files stand, in bytes. Beside it what was not
/// looked at.
pub(crate) fn beside_files(
    data: &[u8],
    claims: Vec<Range<u64>>,
    budget: &mut Budget,
) -> (Vec<Range<usize>>, Option<UnscannedReason>) {
    let (mut found, mut problem, mut left) = (Vec::new(), None, packed::allowed(data));
    let size = data.len() as u64;
    let mut at = 0;
    for claim in joined(claims).into_iter().chain(std::iter::once(size..size)) {
        let place = |at: u64| usize::try_from(at.min(size)).unwrap_or(usize::MAX);
        let (start, end) = (place(at), place(claim.start));
        at = at.max(claim.end);
        let gap = between(data, start, end);
        if gap.iter().all(|byte| *byte == 0) {
            continue;
        }
        if let Err(limit) = budget.burn(GAP_FUEL.saturating_add(gap.len() as u64)) {
            return (found, Some(limit.into()));
        }
        let zip = if zip::has_directory(gap) {
            zip::places(gap)
        } else if gap.starts_with(b"PK\x03\x04") {
            vec![0]
        } else {
            find_zip(gap, &|_| true).map(|range| range.start).into_iter().collect()
        };
        let (packed, more) = first_packed(gap, &mut left);
        if more {
            problem = Some(UnscannedReason::LimitObjects);
        }
        found.extend(packed.into_iter().chain(zip).min().map(|at| start.saturating_add(at)..end));
    }
    (found, problem)
}

/// Ranges in their order, those together that touch.
pub(crate) fn joined<T: Copy + Ord>(mut ranges: Vec<Range<T>>) -> Vec<Range<T>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut all: Vec<Range<T>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

/// Where a file ends by one of its marks and something packed follows, and all behind it; or what begins behind
/// the last mark, with other bytes in front. `left`: how many bytes of heads may still be checked; the flag says that
/// there are more marks than that.
pub(crate) fn behind_marks(data: &[u8], mark: &[u8], left: &mut u64) -> (Option<Range<usize>>, bool) {
    let (mut last, mut more) = (None, false);
    for at in memchr::memmem::find_iter(data, mark) {
        let from = at.saturating_add(mark.len());
        let filler = between(data, from, from.saturating_add(MAX_FILLER));
        let filler = filler.iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | b' ' | 0)).count();
        let from = from.saturating_add(filler);
        match packed::starts_within(between(data, from, data.len()), left) {
            Some(true) => return (Some(from..data.len()), more),
            Some(false) => {}
            None => more = true,
        }
        last = Some(from);
    }
    let Some(last) = last else { return (None, more) };
    let (found, rest) = first_packed(between(data, last, data.len()), left);
    (found.map(|at| last.saturating_add(at)..data.len()), more | rest)
}

/// A part of a file that is a file itself, as an unlisted member.
#[derive(Default)]
pub(crate) struct Behind {
    given: bool,
}

impl Container for Behind {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if std::mem::replace(&mut self.given, true) {
            return None;
        }
        let mut member = Member { hidden: true, ..Member::default() };
        stored(&mut member, data, budget, &mut Meter::new(data.len() as u64));
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &[]
    }
}

/// Ranges that do not stand in one another, at most [`MAX_EMBEDDED`]; the flag says that there are more.
fn apart(ranges: impl Iterator<Item = Range<usize>>) -> (Vec<Range<usize>>, bool) {
    let mut all: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        if all.last().is_none_or(|last| last.end <= range.start) {
            if all.len() >= MAX_EMBEDDED {
                return (all, true);
            }
            all.push(range);
        }
    }
    (all, false)
}

/// Where some bytes stand, but for the start of the file.
fn places<'a>(data: &'a [u8], magic: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memchr::memmem::find_iter(data, magic).filter(|at| *at > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_cost_more_than_is_looked_at_are_told() {
        // Behind each stands the mark of an archive which says that the longest head follows.
        let marks = b"}\x60\xea\x28\x0a".repeat(400_000);
        assert_eq!(behind_marks(&marks, b"}", &mut packed::allowed(&marks)), (None, true));
        let honest = b"{\\b x}".repeat(400_000);
        assert_eq!(behind_marks(&honest, b"}", &mut packed::allowed(&honest)), (None, false));
        assert_eq!(behind_marks(&b"}".repeat(400_000), b"}", &mut (4 * 400_000)), (None, false));
    }
}
