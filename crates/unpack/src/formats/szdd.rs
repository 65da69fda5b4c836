//! One file as COMPRESS.EXE of MS-DOS and Windows left it (`SETUP.EX_`): SZDD and KWAJ.
//!
//! Limits: the budget. Not handled: KWAJ with Huffman coding (method 3), and QBasic's SZ: those are of a
//! format that is not known here.

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32};
use crate::container::{Container, Member};
use crate::decode::{CHUNK, End, Method, append, stored};
use crate::names;

/// Starts a file of the one kind and of the other.
pub(crate) const SZDD: &[u8] = b"SZDD\x88\xf0\x27\x33";
/// See [`SZDD`].
pub(crate) const KWAJ: &[u8] = b"KWAJ\x88\xf0\x27\xd1";
/// Size of the ring in which copies are looked for, in bytes.
const RING: usize = 4096;
/// Where the ring is first written.
const START: usize = RING - 16;
/// Longest name, in bytes.
const MAX_NAME: usize = 12;

/// A compressed file.
pub(crate) struct Expanded {
    done: bool,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Expanded {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { done: false, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    fn kwaj(&mut self, data: &[u8], member: &mut Member, budget: &mut Budget) {
        let (method, at) = (le16(data, 8).unwrap_or(u16::MAX), le16(data, 10).unwrap_or(0));
        let flags = le16(data, 12).unwrap_or(0);
        // In front of the name: a length, an unknown number, a piece of data.
        let mut place = 14_usize;
        for (bit, size) in [(1, 4), (2, 2)] {
            place = place.saturating_add(if flags & bit != 0 { size } else { 0 });
        }
        if flags & 4 != 0 {
            place = place.saturating_add(2).saturating_add(usize::from(le16(data, place).unwrap_or(0)));
        }
        let mut words = between(data, place, place.saturating_add(2 * MAX_NAME)).split(|byte| *byte == 0);
        let mut word = |bit: u16| if flags & bit != 0 { words.next().map(names::decode) } else { None };
        let name = [word(8), word(16)];
        member.name = names::split([name.map(Option::unwrap_or_default).join(".").trim_matches('.').to_owned()]).0;
        let rest = between(data, usize::from(at), data.len());
        match method {
            0 => {
                stored(member, rest, budget, &mut self.meter);
            }
            1 => {
                let plain: Vec<u8> = rest.iter().map(|byte| !byte).collect();
                stored(member, &plain, budget, &mut self.meter);
            }
            2 => lzss(rest, None, member, budget, &mut self.meter),
            4 => self.mszip(rest, member, budget),
            _ => member.problem(UnscannedReason::UnknownFormat),
        }
    }

    /// Blocks of Deflate, each with its length in front. They may refer to one another, which is not
    /// followed: then the block reads as damaged.
    fn mszip(&mut self, data: &[u8], member: &mut Member, budget: &mut Budget) {
        let mut at = 0_usize;
        while let Some(length) = le16(data, at).map(usize::from).filter(|length| *length > 2) {
            let block = between(data, at.saturating_add(4), at.saturating_add(2).saturating_add(length));
            let content = std::mem::take(&mut member.content);
            let decoded = append(Method::Deflate, block, content, budget, &mut self.meter);
            member.content = decoded.content;
            match decoded.end {
                End::Complete => at = at.saturating_add(2).saturating_add(length),
                End::Limit(limit) => return member.problem(limit.into()),
                _ => return member.problem(UnscannedReason::Damaged),
            }
        }
    }
}

/// Bytes and copies out of a ring, eight to a byte of flags.
fn lzss(data: &[u8], size: Option<usize>, member: &mut Member, budget: &mut Budget, meter: &mut Meter) {
    let size = size.unwrap_or(usize::MAX);
    let (mut ring, mut place) = (vec![b' '; RING], START);
    let mut rest = data.iter().copied();
    let mut counted = 0_usize;
    'all: while let Some(flags) = rest.next() {
        for bit in 0..8 {
            if member.content.len() >= size {
                break 'all;
            }
            let Some(first) = rest.next() else { break 'all };
            let (mut from, length) = if flags >> bit & 1 == 1 {
                if let Some(byte) = ring.get_mut(place) {
                    *byte = first;
                }
                (place, 1_usize)
            } else {
                let Some(second) = rest.next() else { break 'all };
                let from = usize::from(first) | usize::from(second & 0xf0) << 4;
                (from, usize::from(second & 0xf).saturating_add(3))
            };
            for _ in 0..length {
                let byte = ring.get(from).copied().unwrap_or(b' ');
                if let Some(target) = ring.get_mut(place) {
                    *target = byte;
                }
                member.content.push(byte);
                (from, place) = (from.saturating_add(1) % RING, place.saturating_add(1) % RING);
            }
        }
        let new = member.content.len().saturating_sub(counted);
        if new >= CHUNK {
            counted = member.content.len();
            let read = data.len().saturating_sub(rest.len()) as u64;
            if let Err(limit) = budget.produce(meter, new as u64, read) {
                return member.problem(limit.into());
            }
        }
    }
    let new = member.content.len().saturating_sub(counted) as u64;
    if let Err(limit) = budget.produce(meter, new, data.len() as u64) {
        return member.problem(limit.into());
    }
    if size != usize::MAX && member.content.len() < size {
        member.problem(UnscannedReason::Damaged);
    }
    member.content.truncate(size);
}

impl Container for Expanded {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if std::mem::replace(&mut self.done, true) {
            return None;
        }
        let mut member = Member::default();
        self.meter.next_object();
        if data.starts_with(SZDD) {
            match data.get(8) {
                Some(b'A') => {
                    let size = le32(data, 10).map(|size| size as usize);
                    lzss(between(data, 14, data.len()), size, &mut member, budget, &mut self.meter);
                }
                _ => member.problem(UnscannedReason::UnknownFormat),
            }
        } else {
            self.kwaj(data, &mut member, budget);
        }
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
