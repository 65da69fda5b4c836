//! What of a compound file holds nothing of it: sectors that no table and no stream takes up, and what stands
//! behind a stream's end in its last one. Other programs find archives there, by a mark or from the file's end.
//!
//! Limit: [`MAX_PASSES`]; where streams share their sectors more often than that, some count as unused, so that
//! more is looked at, never less.

use super::{Cfb, Kind, MAX_SECTOR, MINI_SHIFT, NONE};
use crate::bytes::le32;

/// How many times its sectors a file's chains may have together.
const MAX_PASSES: usize = 8;

/// Which places of a file are in use.
pub(crate) struct Unused {
    shift: u32,
    /// How many bytes of each sector.
    used: Vec<usize>,
    /// Which sector of the mini stream each sector is, from 1; 0: none.
    mini: Vec<usize>,
    /// Which parts of the mini stream.
    parts: Vec<usize>,
    end: usize,
}

impl Unused {
    /// Whether a place in a file, in bytes, is in none of its tables and streams, and not behind it.
    pub(crate) fn has(&self, at: usize) -> bool {
        let size = 1_usize << self.shift;
        let Some(sector) = (at >> self.shift).checked_sub(1).filter(|_| at < self.end) else { return false };
        let inside = at & size.saturating_sub(1);
        let used = self.used.get(sector).copied().unwrap_or(0);
        let mini = self.mini.get(sector).and_then(|number| number.checked_sub(1));
        let part = mini.map(|number| (number.saturating_mul(size) >> MINI_SHIFT).saturating_add(inside >> MINI_SHIFT));
        let in_part = part.and_then(|part| self.parts.get(part)).is_some_and(|used| *used > 0);
        inside >= used && !in_part
    }
}

/// Notes how many bytes of each sector a chain takes up.
fn mark(fat: &[u32], start: u32, size: u64, shift: u32, used: &mut [usize], left: &mut usize) {
    let (mut number, mut rest) = (start, usize::try_from(size).unwrap_or(usize::MAX));
    while number < MAX_SECTOR && rest > 0 && *left > 0 {
        *left = left.saturating_sub(1);
        let Some(place) = used.get_mut(number as usize) else { return };
        *place = (*place).max(rest.min(1_usize << shift));
        rest = rest.saturating_sub(1_usize << shift);
        number = fat.get(number as usize).copied().unwrap_or(NONE);
    }
}

impl Cfb {
    /// What of the file is not in use.
    pub(crate) fn unused(&self, data: &[u8]) -> Unused {
        let sectors = (data.len() >> self.shift).saturating_add(1);
        let mut used = vec![0; sectors];
        let mut parts = vec![0; (self.mini.len() >> MINI_SHIFT).saturating_add(1)];
        let (mut left, mut left_parts) = (sectors.saturating_mul(MAX_PASSES), parts.len().saturating_mul(MAX_PASSES));
        for place in [48, 60] {
            let start = le32(data, place).unwrap_or(NONE);
            mark(&self.fat, start, u64::MAX, self.shift, &mut used, &mut sectors.saturating_mul(2));
        }
        for (_, entry) in self.entries().filter(|(_, entry)| entry.kind == Kind::Stream) {
            if entry.size < u64::from(self.cutoff) {
                mark(&self.mini_fat, entry.start, entry.size, MINI_SHIFT, &mut parts, &mut left_parts);
            } else {
                mark(&self.fat, entry.start, entry.size, self.shift, &mut used, &mut left);
            }
        }
        for number in &self.tables {
            if let Some(place) = used.get_mut(*number as usize) {
                *place = 1 << self.shift;
            }
        }
        let mut mini = vec![0; sectors];
        let mut number = self.entry(0).map_or(NONE, |root| root.start);
        for at in 1..=sectors {
            let Some(place) = mini.get_mut(number as usize).filter(|place| **place == 0) else { break };
            *place = at;
            number = self.fat.get(number as usize).copied().unwrap_or(NONE);
        }
        Unused { shift: self.shift, used, mini, parts, end: self.end() }
    }
}
