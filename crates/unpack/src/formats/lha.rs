//! LHA (LZH, LArc, PMarc): headers of levels 0 to 3.
//!
//! What stands behind the end mark, or behind a header that cannot be read, comes as an unlisted
//! member. Limits: those of the decoders, and the budget.

use std::panic::{AssertUnwindSafe, catch_unwind};

use delharc::header::LhaHeader;
use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32, take};
use crate::container::{Container, Member};
use crate::decode::{End, Method, decode, stored};
use crate::names;

/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 4096;
/// The method of folders and links.
const FOLDER: [u8; 5] = *b"-lhd-";

/// Whether a file of LHA has its head here: its method, and a checksum or numbers that make sense.
pub(crate) fn starts(data: &[u8]) -> bool {
    let method = take(data, 2, 5).is_some_and(|method| {
        matches!(method, [b'-', b'l', b'h' | b'z', kind, b'-'] | [b'-', b'p', b'm', kind, b'-']
            if kind.is_ascii_alphanumeric())
    });
    let packed = le32(data, 7).is_some_and(|size| size as usize <= data.len());
    method
        && match data.get(20) {
            Some(0 | 1) => {
                let head = data.first().and_then(|len| take(data, 2, usize::from(*len)));
                let sum = head.map(|head| head.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
                packed && head.is_some_and(|head| head.len() >= 20) && sum == data.get(1).copied()
            }
            // The head's length, and the letter of a system.
            Some(2) => packed && le16(data, 0).is_some_and(|len| (26..=4096).contains(&len)) && system(data),
            Some(3) => packed && le16(data, 0) == Some(4) && system(data),
            _ => false,
        }
}

fn system(data: &[u8]) -> bool {
    data.get(23).is_some_and(|letter| *letter == 0 || letter.is_ascii_alphanumeric())
}

/// An LHA archive.
pub(crate) struct Lha {
    at: usize,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Lha {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { at: 0, index: 0, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// The next header; moves behind it. `None`: the end, or damage.
    fn header(&mut self, data: &[u8]) -> Option<LhaHeader> {
        let mut rest = between(data, self.at, data.len());
        let before = rest.len();
        match catch_unwind(AssertUnwindSafe(|| LhaHeader::read(&mut rest).map(|header| (header, rest.len())))) {
            Ok(Ok((Some(header), after))) => {
                self.at = self.at.saturating_add(before.saturating_sub(after));
                Some(header)
            }
            // The end mark is one byte of zero; some writers leave it out.
            Ok(Ok((None, _))) => {
                self.at = self.at.saturating_add(1).min(data.len());
                None
            }
            Ok(Err(_)) | Err(_) => {
                self.problem(UnscannedReason::Damaged);
                None
            }
        }
    }

    fn member(&mut self, header: &LhaHeader, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let start = self.at;
        let end = start.saturating_add(usize::try_from(header.compressed_size).unwrap_or(usize::MAX));
        self.at = end.min(data.len());
        if header.compression == FOLDER && header.compressed_size == 0 {
            return None;
        }
        let name = catch_unwind(AssertUnwindSafe(|| header.parse_pathname_to_str())).unwrap_or_default();
        let (name, other_names) = names::split([name]);
        let mut member = Member { name, other_names, ..Member::default() };
        let packed = between(data, start, end);
        let (method, size) = (header.compression, header.original_size);
        let decoded = decode(Method::Lha { method, size }, packed, budget, &mut self.meter);
        let whole = decoded.content.len() as u64 == size && crc16(&decoded.content) == header.file_crc;
        match decoded.end {
            End::Limit(limit) => member.problem(limit.into()),
            End::Unknown => member.problem(UnscannedReason::UnknownFormat),
            End::Complete if whole && end <= data.len() => {}
            End::Complete | End::Broken => member.problem(UnscannedReason::Damaged),
        }
        member.content = decoded.content;
        Some(member)
    }
}

/// CRC-16 as LHA has it: the polynomial 0xa001, the lowest bit first, from zero.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xa001 } else { sum >> 1 })
    })
}

impl Container for Lha {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        while self.at < data.len() {
            if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
                self.problem(limit.into());
                self.at = data.len();
                return None;
            }
            self.meter.next_object();
            let member = match self.header(data) {
                Some(header) => self.member(&header, data, budget),
                None => {
                    // A file that is no archive at all is not its own member.
                    let from = if self.index == 0 && self.at == 0 { data.len() } else { self.at };
                    let rest = between(data, from, data.len());
                    self.at = data.len();
                    if rest.iter().all(|byte| matches!(byte, 0 | 0x1a)) {
                        return None;
                    }
                    let mut member = Member { hidden: true, ..Member::default() };
                    stored(&mut member, rest, budget, &mut self.meter);
                    Some(member)
                }
            };
            if let Some(mut member) = member {
                member.index = self.index;
                self.index = self.index.saturating_add(1);
                return Some(member);
            }
        }
        None
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
