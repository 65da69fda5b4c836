//! Images of discs in raw sectors, as programs that copy discs write them (ECMA-130, clause 14): a mark, an address
//! and a mode in front of the 2,048 bytes of data, checksums behind them. The member is the image without these.
//!
//! Sectors of 2,352 bytes, of 2,448 with what the subchannels hold, and of 2,336 without mark and address. Of a sector
//! in form 2 of mode 2 the first 2,048 bytes are given. Where several lengths fit, there is a member of each: what stands
//! beside the data is the sender's. Not handled: discs whose first track is sound.

use mail::evidence::{Role, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::bytes::{between, take};
use crate::container::{Container, Member};
use crate::decode::stored;

/// What a sector begins with.
const MARK: &[u8] = b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0";
/// Lengths of sectors that begin so, in bytes.
const STRIDES: [usize; 2] = [2352, 2448];
/// Length of a sector without mark and address, in bytes; its data follows eight bytes.
const SHORT: usize = 2336;
/// Data of a sector, in bytes.
const DATA: usize = 2048;
/// The sector of a disc's first descriptor.
const FIRST: usize = 16;

/// How many sectors tell that this is such an image.
const TOLD_BY: usize = 4;

/// How long the sectors may be, in bytes; none where this is no such image.
pub(crate) fn strides(data: &[u8]) -> Vec<usize> {
    marked(data).chain(is_short(data).then_some(SHORT)).collect()
}

/// Whether this is such an image with marks.
pub(crate) fn is_marked(data: &[u8]) -> bool {
    marked(data).next().is_some()
}

/// How long the sectors may be, in bytes, if they have marks: with addresses and modes that there are, or with the
/// first descriptor in its place, of which programs ask no more.
fn marked(data: &[u8]) -> impl Iterator<Item = usize> {
    STRIDES.into_iter().filter(move |stride| {
        let heads = || data.chunks(*stride).take(TOLD_BY);
        let first = FIRST.saturating_mul(*stride);
        let marked = heads().nth(1).is_some() && heads().take(2).all(|sector| sector.starts_with(MARK));
        marked && ([16, 24].iter().any(|at| is_descriptor(data, first.saturating_add(*at))) || heads().all(is_sector))
    })
}

/// Whether this is such an image without marks.
pub(crate) fn is_short(data: &[u8]) -> bool {
    is_descriptor(data, FIRST.saturating_mul(SHORT).saturating_add(8))
}

/// Whether a disc's first descriptor stands here: a kind, its name, a version.
fn is_descriptor(data: &[u8], at: usize) -> bool {
    let Some((kind, rest)) = take(data, at, 7).and_then(<[u8]>::split_first) else { return false };
    let iso = matches!(kind, 0..=3 | 0xff) && matches!(rest, b"CD001\x01" | b"CD001\x02");
    iso || *kind == 0 && rest == b"BEA01\x01"
}

/// Whether a sector has a mark, a time in decimal digits and one of the modes that hold data.
fn is_sector(sector: &[u8]) -> bool {
    let digits = |byte: u8, most: u8| byte & 0x0f <= 9 && byte <= most;
    matches!(between(sector, 12, 16), [minute, second, frame, 1 | 2]
        if digits(*minute, 0x99) && digits(*second, 0x59) && digits(*frame, 0x74))
        && sector.starts_with(MARK)
}

/// An image in raw sectors.
pub(crate) struct Raw {
    /// The lengths that are still to be tried.
    strides: std::vec::IntoIter<usize>,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Raw {
    pub(crate) fn open(data: &[u8], strides: Vec<usize>) -> Self {
        let meter = Meter::new(data.len() as u64);
        Self { strides: strides.into_iter(), index: 0, meter, problems: Vec::new() }
    }
}

impl Container for Raw {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let stride = self.strides.next()?;
        if let Some(limit) = budget.exhausted() {
            self.strides = Vec::new().into_iter();
            self.problems.push(limit.into());
            return None;
        }
        let mut member = Member { index: self.index, role: Role::Decoded, ..Member::default() };
        self.index = self.index.saturating_add(1);
        self.meter.next_object();
        for sector in data.chunks(stride) {
            let from = match sector.get(15) {
                _ if stride == SHORT => 8,
                // Mode 2 has eight bytes more in front.
                Some(2) => 24,
                _ => 16,
            };
            let content = between(sector, from, from.saturating_add(DATA));
            if content.len() < DATA {
                member.problem(UnscannedReason::Damaged);
            }
            if !stored(&mut member, content, budget, &mut self.meter) {
                break;
            }
        }
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
