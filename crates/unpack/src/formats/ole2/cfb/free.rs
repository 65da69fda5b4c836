//! What of a compound file stands in no stream as it stands in the file: sectors that no stream takes up, tables
//! among them; what stands behind the header's fields, in front of the first sector; what stands behind a stream's end
//! in its last one; and what a stream has in another order. Other
//! programs find archives there, by a mark or from the file's end.
//!
//! Limits: [`MAX_PASSES`]; where streams share their sectors more often than that, some count as unused, so that
//! more is looked at, never less. [`MAX_BETWEEN`]. Only the sector with the mark and the next one are looked at: an
//! archive that leaves its stream further behind is one that breaks off in that stream, and is told as damaged there.

use super::{Cfb, Kind, MAX_SECTOR, MINI_SHIFT, NONE};

/// How many times its sectors a file's chains may have together.
const MAX_PASSES: usize = 8;
/// Most sectors of tables that honest writers put between two of a stream: they add one as the file grows, and now
/// and then one that lists them.
const MAX_BETWEEN: u32 = 2;
/// Where the list of tables begins in the header (MS-CFB 2.2), in bytes. What stands from there on, up to the first
/// sector, holds numbers or nothing: a mark there is nobody's.
const HEADER: usize = 76;
/// Marks of sectors in which the tables stand (MS-CFB 2.1): of those that list them, and of their own.
const TABLES: [u32; 2] = [0xffff_fffc, 0xffff_fffd];

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
    /// Whether a place in a file, in bytes, is in no stream as it stands there, and not behind the file.
    pub(crate) fn has(&self, at: usize) -> bool {
        let size = 1_usize << self.shift;
        if at >= self.end {
            return false;
        }
        // The header takes up what would be a sector, however large those are.
        let Some(sector) = (at >> self.shift).checked_sub(1) else { return at >= HEADER };
        let inside = at & size.saturating_sub(1);
        let used = self.used.get(sector).copied().unwrap_or(0);
        let mini = self.mini.get(sector).and_then(|number| number.checked_sub(1));
        let part = mini.map(|number| (number.saturating_mul(size) >> MINI_SHIFT).saturating_add(inside >> MINI_SHIFT));
        let in_part = part.and_then(|part| self.parts.get(part)).is_some_and(|used| *used > 0);
        inside >= used && !in_part
    }
}

/// Notes how many bytes of each sector a chain takes up, for those behind which it ends or goes on as the file
/// does, by `beside`: what stands in others is in the stream in another order.
fn mark(
    fat: &[u32],
    (start, size, shift): (u32, u64, u32),
    beside: &dyn Fn(u32, u32) -> bool,
    used: &mut [usize],
    left: &mut usize,
) {
    let (mut number, mut rest) = (start, usize::try_from(size).unwrap_or(usize::MAX));
    while number < MAX_SECTOR && rest > 0 && *left > 0 {
        *left = left.saturating_sub(1);
        let Some(place) = used.get_mut(number as usize) else { return };
        let next = fat.get(number as usize).copied().unwrap_or(NONE);
        let here = rest.min(1_usize << shift);
        rest = rest.saturating_sub(here);
        if rest == 0 || next >= MAX_SECTOR || beside(number, next) {
            *place = (*place).max(here);
        }
        number = next;
    }
}

impl Cfb {
    /// What of the file is not in use.
    pub(crate) fn unused(&self, data: &[u8]) -> Unused {
        let sectors = (data.len() >> self.shift).saturating_add(1);
        let mut used = vec![0; sectors];
        let mut parts = vec![0; (self.mini.len() >> MINI_SHIFT).saturating_add(1)];
        let (mut left, mut left_parts) = (sectors.saturating_mul(MAX_PASSES), parts.len().saturating_mul(MAX_PASSES));
        let mut hosts = Vec::new();
        let mut mini = vec![0; sectors];
        let mut number = self.entry(0).map_or(NONE, |root| root.start);
        for at in 1..=sectors {
            let Some(place) = mini.get_mut(number as usize).filter(|place| **place == 0) else { break };
            *place = at;
            hosts.push(number);
            number = self.fat.get(number as usize).copied().unwrap_or(NONE);
        }
        let beside = |number: u32, next: u32| self.beside(number, next);
        let host = |part: u32| hosts.get((part >> self.shift.saturating_sub(MINI_SHIFT)) as usize).copied();
        let parts_beside = |part: u32, next: u32| {
            let (here, there) = (host(part), host(next));
            part.checked_add(1) == Some(next)
                && (here == there || here.zip(there).is_some_and(|(here, there)| self.beside(here, there)))
        };
        for (_, entry) in self.entries().filter(|(_, entry)| entry.kind == Kind::Stream) {
            if entry.size < u64::from(self.cutoff) {
                let chain = (entry.start, entry.size, MINI_SHIFT);
                mark(&self.mini_fat, chain, &parts_beside, &mut parts, &mut left_parts);
            } else {
                mark(&self.fat, (entry.start, entry.size, self.shift), &beside, &mut used, &mut left);
            }
        }
        Unused { shift: self.shift, used, mini, parts, end: self.end() }
    }

    /// Whether a sector is the next one in the file, but for tables between them.
    fn beside(&self, number: u32, next: u32) -> bool {
        let between = number.saturating_add(1)..next;
        next > number
            && next.saturating_sub(number) <= MAX_BETWEEN.saturating_add(1)
            && between.into_iter().all(|sector| self.fat.get(sector as usize).is_some_and(|mark| TABLES.contains(mark)))
    }
}
