//! Images of discs in raw sectors, as programs that copy discs write them (ECMA-130, clause 14): a mark, an address
//! and a mode in front of the 2,048 bytes of data, checksums behind them. The one member is the image without these.
//!
//! Sectors of 2,352 bytes, of 2,448 with what the subchannels hold, and of 2,336 without mark and address. Of a sector
//! in form 2 of mode 2 the first 2,048 bytes are given. Not handled: discs whose first track is sound.

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

/// How long the sectors are, in bytes, if this is such an image.
pub(crate) fn stride(data: &[u8]) -> Option<usize> {
    let short = FIRST.checked_mul(SHORT)?.checked_add(8)?;
    if take(data, short, 6).is_some_and(|head| [&b"CD001"[..], b"BEA01"].iter().any(|name| head.ends_with(name))) {
        return Some(SHORT);
    }
    let marked = |at: usize| take(data, at, MARK.len()) == Some(MARK);
    STRIDES.into_iter().find(|stride| marked(0) && marked(*stride))
}

/// An image in raw sectors.
pub(crate) struct Raw {
    stride: usize,
    given: bool,
}

impl Raw {
    pub(crate) fn open(stride: usize) -> Self {
        Self { stride, given: false }
    }
}

impl Container for Raw {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if std::mem::replace(&mut self.given, true) {
            return None;
        }
        let mut meter = Meter::new(data.len() as u64);
        let mut member = Member { role: Role::Decoded, ..Member::default() };
        for sector in data.chunks(self.stride) {
            let from = match sector.get(15) {
                _ if self.stride == SHORT => 8,
                // Mode 2 has eight bytes more in front.
                Some(2) => 24,
                _ => 16,
            };
            let content = between(sector, from, from.saturating_add(DATA));
            if content.len() < DATA {
                member.problem(UnscannedReason::Damaged);
            }
            if !stored(&mut member, content, budget, &mut meter) {
                break;
            }
        }
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &[]
    }
}
