//! Decoding one member, and the second try where the first does not give what the header says: the
//! method that the headers state may be a lie (stored, but the data is Deflate: CVE-2026-0866).

use mail::evidence::UnscannedReason;

use super::header::Header;
use super::{MAX_READ, READ_FLOOR, Zip};
use crate::budget::Budget;
use crate::container::Member;
use crate::decode::{Decoded, End, Method, decode};

impl Zip {
    /// Decodes a member's data; gives how many bytes of `packed` were surely its own. What is not
    /// surely its own is later searched for members that are not listed.
    pub(super) fn read(&mut self, member: &mut Member, header: &Header, packed: &[u8], budget: &mut Budget) -> usize {
        let Some(method) = header.compression() else {
            member.problem(UnscannedReason::UnknownFormat);
            return 0;
        };
        if self.is_read_out() {
            member.problem(UnscannedReason::LimitRatio);
            return 0;
        }
        let decoded = self.decode(method, packed, budget);
        if header.is_met(method, &decoded, packed.len()) {
            member.content = decoded.content;
            let marked = matches!(method, Method::Lzma { .. } | Method::PpmdOfZip { .. } | Method::Xz);
            return if marked { packed.len() } else { decoded.consumed };
        }
        let own = match decoded.end {
            End::Limit(limit) => {
                member.problem(limit.into());
                member.content = decoded.content;
                return 0;
            }
            End::Complete => decoded.consumed,
            End::Broken | End::Unknown => 0,
        };
        member.problem(UnscannedReason::Damaged);
        member.content = self.second_try(method, decoded, packed, budget);
        // Data of an open end may hold anything.
        if method == Method::Stored { 0 } else { own }
    }

    /// Stored data that is really Deflate, or data that does not decode at all as it stands.
    fn second_try(&mut self, method: Method, first: Decoded, packed: &[u8], budget: &mut Budget) -> Vec<u8> {
        if method == Method::Stored {
            let second = self.decode(Method::Deflate, packed, budget);
            let better = second.end == End::Complete && !second.content.is_empty();
            return if better { second.content } else { first.content };
        }
        if first.content.is_empty() { self.decode(Method::Stored, packed, budget).content } else { first.content }
    }

    /// All members together have read more than an honest archive has them read.
    pub(super) fn is_read_out(&self) -> bool {
        self.read > MAX_READ.saturating_mul(self.meter.input()).saturating_add(READ_FLOOR)
    }

    pub(super) fn decode(&mut self, method: Method, packed: &[u8], budget: &mut Budget) -> Decoded {
        let decoded = decode(method, packed, budget, &mut self.meter);
        self.read = self.read.saturating_add(decoded.consumed as u64);
        decoded
    }
}
