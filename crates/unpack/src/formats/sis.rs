//! Installation files of Symbian (SIS): the files in them, found by the heads of their zlib streams, and
//! programs that stand in them uncompressed. The file's own tables are not read.
//!
//! Limits: [`MAX_TRIES`] heads, [`MAX_FILES`], and the budget.

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le32};
use crate::container::{Container, Member};
use crate::decode::{End, Method, append};

/// Most places that look like a stream.
const MAX_TRIES: u32 = 4096;
/// Most files.
const MAX_FILES: u32 = 1024;

/// Whether these bytes are one.
pub(crate) fn starts(data: &[u8]) -> bool {
    le32(data, 8) == Some(0x1000_0419) || le32(data, 0) == Some(0x1020_1a7a)
}

/// An installation file.
pub(crate) struct Sis {
    at: usize,
    tries: u32,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Sis {
    pub(crate) fn open(data: &[u8]) -> Self {
        let meter = Meter::new(data.len() as u64);
        // Without its tables nobody knows whether that is all.
        Self { at: 0, tries: 0, index: 0, meter, problems: vec![UnscannedReason::UnknownFormat] }
    }
}

impl Container for Sis {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        while self.index < MAX_FILES && self.tries < MAX_TRIES && budget.exhausted().is_none() {
            let rest = between(data, self.at, data.len());
            let at = rest.windows(2).position(|pair| matches!(pair, [0x78, 0x01 | 0x5e | 0x9c | 0xda]))?;
            let start = self.at.saturating_add(at);
            self.tries = self.tries.saturating_add(1);
            self.meter.next_object();
            let packed = between(data, start.saturating_add(2), data.len());
            let decoded = append(Method::Deflate, packed, Vec::new(), budget, &mut self.meter);
            self.at = start.saturating_add(1);
            if let End::Limit(limit) = decoded.end {
                self.problems.push(limit.into());
                self.at = data.len();
            }
            if decoded.end == End::Complete && decoded.content.len() > 16 {
                self.at = start.saturating_add(2).saturating_add(decoded.consumed);
                let index = self.index;
                self.index = index.saturating_add(1);
                return Some(Member { index, content: decoded.content, ..Member::default() });
            }
        }
        None
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
