//! The sectors of a disk: as they stand in the file, or in blocks of a virtual disk (VHD: Microsoft's
//! Virtual Hard Disk Image Format Specification 1.0; VHDX: MS-VHDX).
//!
//! Blocks that a virtual disk does not have read as zeros. Limits: [`MAX_BLOCKS`]. Not handled: the log of
//! a VHDX that was not closed, and the disk that a differencing one is based on: both are damage.

use std::ops::Range;

use crate::bytes::{be32, be64, between, le16, le32, le64, take};
use crate::formats::several::joined;

/// Most blocks of a virtual disk.
const MAX_BLOCKS: u64 = 1 << 20;
/// Length of a sector of VHD, in bytes.
const SECTOR: u64 = 512;
/// Length of VHD's footer, in bytes.
const FOOTER: usize = 512;
/// Where a VHDX has its two tables of regions.
const REGIONS: [usize; 2] = [192 * 1024, 256 * 1024];
/// Most entries of VHDX's tables.
const MAX_ENTRIES: u32 = 2048;

/// Names of things in a VHDX (MS-VHDX 2.2.3.2 and 2.6.2).
const BAT: [u8; 16] = *b"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08";
const METADATA: [u8; 16] = *b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e";
const PARAMETERS: [u8; 16] = *b"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b";
const SIZE: [u8; 16] = *b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8";
const SECTOR_SIZE: [u8; 16] = *b"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f";

/// The blocks of a virtual disk.
struct Blocks {
    /// The length of each, in bytes.
    size: u64,
    /// Where in the file each stands.
    places: Vec<Option<u64>>,
    /// The numbers of those that begin in the file.
    present: Vec<u64>,
}

impl Blocks {
    fn new(data: &[u8], size: u64, places: Vec<Option<u64>>) -> Self {
        let inside = |place: &Option<u64>| place.is_some_and(|place| place < data.len() as u64);
        let present = (0..).zip(&places).filter(|(_, place)| inside(place)).map(|(number, _)| number).collect();
        Self { size, places, present }
    }

    /// Where in the file a block stands, if it does.
    fn place(&self, number: u64) -> Option<u64> {
        self.places.get(usize::try_from(number).ok()?).copied().flatten()
    }

    /// The parts of blocks that begin in the file from `start` to `end` on the disk: from where and to where on the
    /// disk, and where in the file. What the disk does not have costs nothing.
    fn parts(&self, start: u64, end: u64) -> impl DoubleEndedIterator<Item = (u64, u64, u64)> {
        let number = |at: u64| self.present.partition_point(|number| number.saturating_mul(self.size) < at);
        let first = number(start.saturating_sub(self.size.saturating_sub(1)));
        self.present.get(first..number(end)).unwrap_or_default().iter().filter_map(move |number| {
            let begin = number.saturating_mul(self.size);
            let (from, to) = (start.max(begin), end.min(begin.saturating_add(self.size)));
            Some((from, to, self.place(*number)?.saturating_add(from.saturating_sub(begin))))
        })
    }
}

/// A disk.
pub(super) struct Disk {
    /// Its size, in bytes.
    pub(super) size: u64,
    blocks: Option<Blocks>,
    /// Something of it is not in the file.
    pub(super) damaged: bool,
}

impl Disk {
    /// The disk in a file.
    pub(super) fn read(data: &[u8]) -> Self {
        let plain = || Self { size: data.len() as u64, blocks: None, damaged: false };
        if data.starts_with(b"vhdxfile") {
            return vhdx(data).unwrap_or(Self { size: 0, blocks: None, damaged: true });
        }
        let footer = data.len().checked_sub(FOOTER).and_then(|at| take(data, at, FOOTER));
        let footer = footer.filter(|footer| footer.starts_with(b"conectix"));
        let copy = || take(data, 0, FOOTER).filter(|copy| copy.starts_with(b"conectix"));
        match footer.or_else(copy) {
            Some(footer) if matches!(be32(footer, 60), Some(3 | 4)) => {
                vhd(data, footer).unwrap_or(Self { size: 0, blocks: None, damaged: true })
            }
            Some(_) => Self { size: (data.len().saturating_sub(FOOTER)) as u64, ..plain() },
            None => plain(),
        }
    }

    /// Whether it stands in the file as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.blocks.is_none()
    }

    /// Puts `len` bytes from `at` on behind `out`; false when they are not all there.
    pub(super) fn append(&self, data: &[u8], at: u64, len: usize, out: &mut Vec<u8>) -> bool {
        let Some(Blocks { size: block, places, .. }) = &self.blocks else {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            let piece = between(data, start, start.saturating_add(len));
            out.extend_from_slice(piece);
            return piece.len() == len;
        };
        let (mut at, mut left) = (at, len as u64);
        while left > 0 {
            let (Some(number), Some(offset)) = (at.checked_div(*block), at.checked_rem(*block)) else { return false };
            let here = left.min(block.saturating_sub(offset));
            let Some(place) = usize::try_from(number).ok().and_then(|number| places.get(number)) else { return false };
            let count = usize::try_from(here).unwrap_or(usize::MAX);
            match place {
                None => out.resize(out.len().saturating_add(count), 0),
                Some(place) => {
                    let start = usize::try_from(place.saturating_add(offset)).unwrap_or(usize::MAX);
                    let piece = between(data, start, start.saturating_add(count));
                    out.extend_from_slice(piece);
                    if piece.len() < count {
                        return false;
                    }
                }
            }
            (at, left) = (at.saturating_add(here), left.saturating_sub(here));
        }
        true
    }

    /// Where the last byte from `start` to `end` ends that is not zero; `None`: all of them are. Looks at no more than
    /// `left` bytes of the file, and takes off what it looked at: where that is not enough, the end of what it did
    /// not look at.
    pub(super) fn filled(&self, data: &[u8], start: u64, end: u64, left: &mut u64) -> Option<u64> {
        let (start, end) = (start, end.min(self.size));
        // From where on, in the file, and where that ends on the disk.
        let mut last = |from: u64, len: u64, to: u64| {
            let number = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            let bytes = between(data, number(from), number(from.saturating_add(len)));
            if bytes.len() as u64 > *left {
                return Some(to);
            }
            let at = bytes.iter().rposition(|byte| *byte != 0).map(|at| (at as u64).saturating_add(1));
            *left = left.saturating_sub((bytes.len() as u64).saturating_sub(at.unwrap_or(0)));
            at.map(|at| to.saturating_sub(len).saturating_add(at))
        };
        let Some(blocks) = &self.blocks else { return last(start, end.saturating_sub(start), end) };
        blocks.parts(start, end).rev().find_map(|(from, to, place)| last(place, to.saturating_sub(from), to))
    }

    /// Where these parts of the disk stand in the file, as far as they do.
    pub(super) fn places(&self, parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
        let Some(blocks) = &self.blocks else { return parts };
        // Each block is asked about once, however many files say that they have all of the disk.
        let parts = joined(parts);
        let parts = parts.iter().flat_map(|part| blocks.parts(part.start, part.end));
        parts.map(|(from, to, place)| place..place.saturating_add(to.saturating_sub(from))).collect()
    }

    /// A few bytes; `None` when they are not all there.
    pub(super) fn bytes(&self, data: &[u8], at: u64, len: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        (at.checked_add(len as u64)? <= self.size && self.append(data, at, len, &mut out)).then_some(out)
    }
}

/// A dynamic or differencing VHD.
fn vhd(data: &[u8], footer: &[u8]) -> Option<Disk> {
    let header = usize::try_from(be64(footer, 16)?).ok()?;
    let header = take(data, header, 1024).filter(|header| header.starts_with(b"cxsparse"))?;
    let table = usize::try_from(be64(header, 16)?).ok()?;
    let (count, block) = (u64::from(be32(header, 28)?), u64::from(be32(header, 32)?));
    if block < SECTOR || block % SECTOR != 0 || count > MAX_BLOCKS {
        return None;
    }
    // A bitmap of the block's sectors stands in front of it.
    let bitmap = (block / SECTOR).div_ceil(8).next_multiple_of(SECTOR);
    let mut places = Vec::new();
    for number in 0..count {
        // What the file does not hold cannot be a block: the table is bounded by the file.
        let entry = be32(data, table.checked_add(usize::try_from(number).ok()?.checked_mul(4)?)?)?;
        let start = u64::from(entry).saturating_mul(SECTOR).saturating_add(bitmap);
        places.push((entry != u32::MAX).then_some(start));
    }
    let size = be64(footer, 48)?.min(count.saturating_mul(block));
    Some(Disk { size, blocks: Some(Blocks::new(data, block, places)), damaged: be32(footer, 60) == Some(4) })
}

/// A VHDX.
fn vhdx(data: &[u8]) -> Option<Disk> {
    let region = |name: &[u8; 16]| {
        REGIONS.into_iter().find_map(|at| {
            let count = le32(data, at.checked_add(8)?)?.min(MAX_ENTRIES);
            let table = take(data, at, usize::try_from(count).ok()?.checked_mul(32)?.checked_add(16)?)?;
            let table = table.strip_prefix(b"regi")?.get(12..)?;
            let entry = table.chunks_exact(32).find(|entry| entry.starts_with(name))?;
            usize::try_from(le64(entry, 16)?).ok()
        })
    };
    let (table, metadata) = (region(&BAT)?, region(&METADATA)?);
    let item = |name: &[u8; 16]| {
        let count = usize::from(le16(data, metadata.checked_add(10)?)?);
        let entries = take(data, metadata.checked_add(32)?, count.checked_mul(32)?)?;
        let entry = entries.chunks_exact(32).find(|entry| entry.starts_with(name))?;
        metadata.checked_add(usize::try_from(le32(entry, 16)?).ok()?)
    };
    take(data, metadata, 8).filter(|magic| *magic == b"metadata")?;
    let parameters = item(&PARAMETERS)?;
    let (block, based) = (u64::from(le32(data, parameters)?), le32(data, parameters.checked_add(4)?)? & 2 != 0);
    let size = le64(data, item(&SIZE)?)?;
    let sector = u64::from(le32(data, item(&SECTOR_SIZE)?)?);
    let count = size.checked_add(block)?.checked_sub(1)?.checked_div(block)?;
    // So many blocks are followed by one entry for a bitmap.
    let group = (1_u64 << 23).checked_mul(sector)?.checked_div(block).filter(|group| *group > 0)?;
    if block < 1 << 20 || count > MAX_BLOCKS {
        return None;
    }
    let (mut places, mut damaged) = (Vec::new(), based);
    for number in 0..count {
        let entry = number.checked_add(number.checked_div(group)?)?;
        let entry = le64(data, table.checked_add(usize::try_from(entry).ok()?.checked_mul(8)?)?)?;
        // 6: fully there, 7: partly; the others read as zeros, or are another disk's.
        damaged |= entry & 7 == 7;
        places.push(matches!(entry & 7, 6 | 7).then_some(entry >> 20 << 20));
    }
    Some(Disk { size, blocks: Some(Blocks::new(data, block, places)), damaged })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_the_disk_does_not_have_cost_nothing() {
        let blocks = Blocks::new(&[0; 99], 2 << 20, [vec![None; 1 << 19], vec![Some(100); 1 << 19]].concat());
        let disk = Disk { size: MAX_BLOCKS << 21, blocks: Some(blocks), damaged: false };
        let begin = testkit::CpuClock::now();
        for _ in 0..20_000 {
            assert_eq!(disk.filled(&[0; 99], 0, disk.size, &mut 0), None);
        }
        assert!(begin.elapsed().as_secs() < 20);
    }

    #[test]
    fn parts_of_the_disk_stand_where_their_blocks_do() {
        let blocks = Blocks::new(&[0; 5000], 1000, vec![Some(3000), None, Some(1000), Some(9000), Some(4500)]);
        let disk = Disk { size: 5000, blocks: Some(blocks), damaged: false };
        let parts = |parts: &[(u64, u64)]| -> Vec<(u64, u64)> {
            let places = disk.places(parts.iter().map(|(start, end)| *start..*end).collect());
            places.into_iter().map(|place| (place.start, place.end)).collect()
        };
        assert_eq!(parts(&[(0, 1000)]), [(3000, 4000)]);
        assert_eq!(parts(&[(999, 1001)]), [(3999, 4000)]);
        assert_eq!(parts(&[(1000, 2000)]), []);
        assert_eq!(parts(&[(100, 2100)]), [(3100, 4000), (1000, 1100)]);
        assert_eq!(parts(&[(0, u64::MAX)]), [(3000, 4000), (1000, 2000), (4500, 5500)]);
        assert_eq!(parts(&[(5000, 6000)]), []);
        assert_eq!(parts(&[(500, 2001), (0, 1000)]), [(3000, 4000), (1000, 1001)]);
    }
}
