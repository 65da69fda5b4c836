//! Sparse files: where the pieces belong that are in the archive. Four ways: GNU's own header, and
//! its three generations in pax headers (GNU tar manual, "Storing Sparse Files").
//!
//! Limit: [`MAX_REGIONS`].

use super::header::{BLOCK, decimal, number};
use crate::bytes::{between, take};

/// Most pieces of one file.
pub(super) const MAX_REGIONS: usize = 65_536;

/// One piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// Where it belongs, in bytes.
    pub(super) offset: u64,
    /// How long it is, in bytes.
    pub(super) len: u64,
}

/// What a GNU header says.
pub(super) struct OldGnu {
    pub(super) regions: Vec<Region>,
    /// Size of the whole file, in bytes.
    pub(super) size: u64,
    /// Blocks of further pieces, between the header and the data.
    pub(super) blocks: usize,
}

/// The header at `at`, and the blocks behind it that go on with its list.
pub(super) fn old_gnu(data: &[u8], at: usize) -> OldGnu {
    let header = between(data, at, at.saturating_add(BLOCK));
    let size = number(between(header, 483, 495)).unwrap_or(0);
    let mut map = OldGnu { regions: Vec::new(), size, blocks: 0 };
    map.list(between(header, 386, 482));
    let mut more = header.get(482).is_some_and(|flag| *flag != 0);
    let mut at = at;
    while more && map.regions.len() < MAX_REGIONS {
        at = at.saturating_add(BLOCK);
        let Some(block) = take(data, at, BLOCK) else { break };
        map.blocks = map.blocks.saturating_add(1);
        map.list(between(block, 0, 504));
        more = block.get(504).is_some_and(|flag| *flag != 0);
    }
    map
}

impl OldGnu {
    /// Adds pairs of offset and length, 12 bytes each.
    fn list(&mut self, pairs: &[u8]) {
        for pair in pairs.chunks_exact(24) {
            let (Some(offset), Some(len)) = (number(between(pair, 0, 12)), number(between(pair, 12, 24))) else {
                return;
            };
            self.regions.push(Region { offset, len });
        }
    }
}

/// The keys of a pax header about a sparse file.
#[derive(Default)]
pub(super) struct Keys {
    size: Option<u64>,
    regions: Vec<Region>,
    /// Version 1: the list stands in front of the data.
    in_data: bool,
}

impl Keys {
    pub(super) fn read(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.size = decimal(value),
            b"GNU.sparse.major" => self.in_data = value == b"1",
            b"GNU.sparse.offset" => self.begin(value),
            b"GNU.sparse.numbytes" => self.end(value),
            b"GNU.sparse.map" => {
                for (at, number) in value.split(|byte| *byte == b',').enumerate() {
                    if at.is_multiple_of(2) { self.begin(number) } else { self.end(number) }
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, number: &[u8]) {
        if let Some(offset) = decimal(number).filter(|_| self.regions.len() < MAX_REGIONS) {
            self.regions.push(Region { offset, len: 0 });
        }
    }

    fn end(&mut self, number: &[u8]) {
        if let (Some(region), Some(len)) = (self.regions.last_mut(), decimal(number)) {
            region.len = len;
        }
    }

    /// The pieces, the size of the whole, and where the first piece stands in the data.
    pub(super) fn map(mut self, data: &[u8]) -> Option<(Vec<Region>, u64, usize)> {
        let size = self.size?;
        if !self.in_data {
            return (!self.regions.is_empty()).then_some((self.regions, size, 0));
        }
        // Lines of one number: how many pieces, then offset and length of each; filled up to a block.
        let mut at = 0_usize;
        let mut line = || {
            let rest = between(data, at, at.saturating_add(24));
            let len = memchr::memchr(b'\n', rest)?;
            at = at.saturating_add(len).saturating_add(1);
            Some(between(rest, 0, len))
        };
        let count = decimal(line()?)?;
        for _ in 0..count.min(MAX_REGIONS as u64) {
            let (offset, len) = (line()?, line()?);
            self.begin(offset);
            self.end(len);
        }
        Some((self.regions, size, at.checked_next_multiple_of(BLOCK)?))
    }
}
