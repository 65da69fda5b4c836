//! UDF (OSTA 1.02 to 2.60, ECMA-167): the files of an image, as pieces of it.
//!
//! Partitions as they are, sparable ones without their spare blocks, those of 2.50 and later whose metadata
//! stands in a file, and virtual ones (of discs that are written once, piece by piece) as their last table
//! has them. Limits: [`MAX_FOLDERS`], [`MAX_FOLDER`] of one folder, [`MAX_PIECES`] of one
//! file and [`MAX_ALL_PIECES`] of all, files up to the limit of objects. [`MAX_TABLE`]. Not handled: what earlier
//! tables of a virtual partition have; deleted entries are passed over.

use std::collections::BTreeSet;

use mail::evidence::UnscannedReason;

use super::tree::File;
use crate::budget::Budget;
use crate::bytes::{between, le16, le32, le64, take};
use crate::names;

/// Lengths that a sector may have, in bytes.
const SECTORS: [usize; 3] = [2048, 512, 4096];
/// Where the anchor stands, in sectors; the second on discs that can be written on (UDF 6.10.2).
const ANCHORS: [usize; 2] = [256, 512];
/// Most volume descriptors.
const MAX_DESCRIPTORS: usize = 64;
/// Most partitions.
const MAX_MAPS: usize = 8;
/// Most folders.
const MAX_FOLDERS: usize = 10_000;
/// Longest folder, in bytes.
const MAX_FOLDER: usize = 16 * 1024 * 1024;
/// Most pieces of one file.
const MAX_PIECES: usize = 16_384;
/// Most pieces of all files together.
const MAX_ALL_PIECES: usize = 256 * 1024;
/// Longest table of a virtual partition, in bytes, and how many blocks from the end it is looked for: drives
/// write some behind it.
const MAX_TABLE: usize = 4 * 1024 * 1024;
const MAX_LOOK: usize = 512;
/// Kind of the file that such a table is (UDF 2.2.11); before 2.00 it was none, and a mark stands at the end.
const TABLE: u8 = 248;
const TABLE_MARK: &[u8] = b"*UDF Virtual Alloc Tbl";
/// Length of the mark, and of what stands behind it, in bytes.
const TABLE_END: usize = 36;
/// Tags of descriptors (ECMA-167 3/7.2.1 and 4/7.2.1).
const PARTITION: u16 = 5;
const LOGICAL_VOLUME: u16 = 6;
const TERMINATOR: u16 = 8;
const FILE_SET: u16 = 256;
const NAME: u16 = 257;
const FILE_ENTRY: u16 = 261;
const EXTENDED_FILE_ENTRY: u16 = 266;
/// Kind of a file that is a folder (ECMA-167 4/14.6.6).
const FOLDER: u8 = 4;

/// How blocks of a partition are found.
#[derive(Clone)]
enum Map {
    /// From here on, in blocks.
    Plain(u64),
    /// In a file: its pieces, in bytes.
    Metadata(Vec<(usize, u64)>),
    /// From here on, in blocks, each first block by a table.
    Virtual(u64, Vec<u32>),
    /// In a way that is not read here.
    Unknown,
}

/// Where something stands: block, partition, length in bytes.
#[derive(Clone, Copy)]
struct Place {
    block: u64,
    map: usize,
    len: u64,
}

impl Place {
    /// From a long allocation descriptor.
    fn long(bytes: &[u8]) -> Option<Self> {
        let len = u64::from(le32(bytes, 0)? & 0x3fff_ffff);
        Some(Self { block: le32(bytes, 4)?.into(), map: le16(bytes, 8)?.into(), len })
    }
}

/// A file entry, read.
struct Entry {
    kind: u8,
    size: u64,
    pieces: Vec<(usize, u64)>,
    damaged: bool,
}

/// A folder that is still to be read.
struct Folder {
    path: String,
    entry: Entry,
}

/// The files, and what could not be read; `None` when this is no UDF.
pub(super) fn read(data: &[u8], budget: &mut Budget) -> Option<(Vec<File>, Vec<UnscannedReason>)> {
    let anchors = SECTORS.into_iter().flat_map(|sector| ANCHORS.map(|anchor| (sector, anchor)));
    let (sector, anchor) = anchors.into_iter().find(|(sector, anchor)| {
        let at = anchor.saturating_mul(*sector);
        le16(data, at) == Some(2) && le32(data, at.saturating_add(12)) == Some(*anchor as u32)
    })?;
    let mut volume =
        Volume { data, block: sector, maps: Vec::new(), files: Vec::new(), count: 0, problems: Vec::new() };
    if volume.walk(anchor, budget).is_none() {
        volume.problem(UnscannedReason::Damaged);
    }
    Some((volume.files, volume.problems))
}

/// Reads a volume.
struct Volume<'a> {
    data: &'a [u8],
    /// Length of a block, in bytes.
    block: usize,
    maps: Vec<Map>,
    files: Vec<File>,
    /// Pieces of all files.
    count: usize,
    problems: Vec<UnscannedReason>,
}

impl Volume<'_> {
    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// The volume descriptors: the partitions, and where the set of files stands.
    fn file_set(&mut self, anchor: usize, budget: &mut Budget) -> Option<Place> {
        let anchor = anchor.checked_mul(self.block)?;
        let (mut partitions, mut logical) = (Vec::new(), None);
        let (len, start) = (le32(self.data, anchor.checked_add(16)?)?, le32(self.data, anchor.checked_add(20)?)?);
        let count = usize::try_from(len).ok()?.checked_div(self.block)?.min(MAX_DESCRIPTORS);
        for number in 0..count {
            let at = usize::try_from(start).ok()?.checked_add(number)?.checked_mul(self.block)?;
            let Some(descriptor) = take(self.data, at, 512) else { break };
            match le16(descriptor, 0)? {
                PARTITION => partitions.push((le16(descriptor, 22)?, u64::from(le32(descriptor, 188)?))),
                LOGICAL_VOLUME => logical = Some(at),
                TERMINATOR => break,
                _ => {}
            }
        }
        let logical = logical?;
        let count = usize::try_from(le32(self.data, logical.checked_add(268)?)?).ok()?.min(MAX_MAPS);
        let mut at = logical.checked_add(440)?;
        let mut files = Vec::new();
        for _ in 0..count {
            let len = usize::from(*self.data.get(at.checked_add(1)?)?).max(2);
            let map = take(self.data, at, len)?;
            let plain = |number: u16| partitions.iter().find(|(known, _)| *known == number).map(|(_, start)| *start);
            let is = |name: &[u8]| take(map, 5, name.len()) == Some(name);
            let number = if map.first() == Some(&1) { le16(map, 4)? } else { le16(map, 38).unwrap_or(0) };
            let start = plain(number);
            let map = match start {
                Some(start) if map.first() == Some(&1) || is(b"*UDF Sparable Partition") => Map::Plain(start),
                Some(start) if is(b"*UDF Metadata Partition") => {
                    files.push((self.maps.len(), start, u64::from(le32(map, 40)?)));
                    Map::Unknown
                }
                Some(start) if is(b"*UDF Virtual Partition") => {
                    self.table(start, budget).map_or(Map::Unknown, |table| Map::Virtual(start, table))
                }
                _ => Map::Unknown,
            };
            self.maps.push(map);
            at = at.checked_add(len)?;
        }
        for (place, start, file) in files {
            // The file itself stands in the partition as it is.
            let own = self.maps.len();
            self.maps.push(Map::Plain(start));
            let entry = self.entry(Place { block: file, map: own, len: self.block as u64 })?;
            *self.maps.get_mut(place)? = Map::Metadata(entry.pieces);
        }
        Place::long(take(self.data, logical.checked_add(248)?, 16)?)
    }

    /// The table of a virtual partition in the partition from `start` on: the last file of the image that is
    /// one.
    fn table(&mut self, start: u64, budget: &mut Budget) -> Option<Vec<u32>> {
        let blocks = self.data.len().checked_div(self.block)?;
        let used = (0..blocks).rev().find(|number| {
            let at = number.saturating_mul(self.block);
            let bytes = between(self.data, at, at.saturating_add(self.block));
            budget.burn(self.block as u64).is_err() || bytes.iter().any(|byte| *byte != 0)
        })?;
        // Its own places are in the partition as it is.
        let own = self.maps.len();
        self.maps.push(Map::Plain(start));
        let (mut broken, mut limited) = (false, false);
        let found = (used.saturating_sub(MAX_LOOK)..=used).rev().find_map(|number| {
            budget.burn(64).ok()?;
            let at = number.checked_mul(self.block)?;
            let head = take(self.data, at, 16)?;
            let sum = head
                .iter()
                .enumerate()
                .filter(|(place, _)| *place != 4)
                .fold(0_u8, |sum, (_, byte)| sum.wrapping_add(*byte));
            let block = u64::try_from(number).ok()?.checked_sub(start)?;
            if head.get(4) != Some(&sum) || le32(head, 12).map(u64::from) != Some(block) {
                return None;
            }
            let entry = self.entry(Place { block, map: own, len: self.block as u64 })?;
            broken |= entry.damaged;
            // Files of other kinds are no tables, however long they are.
            if !matches!(entry.kind, 0 | TABLE) {
                return None;
            }
            let (bytes, cut) = self.bytes_of(&entry, MAX_TABLE, budget)?;
            limited |= cut;
            let found = table_in(entry.kind, &bytes).map(numbers);
            broken |= found.is_none() && entry.kind == TABLE;
            found
        });
        self.maps.truncate(own);
        if broken {
            self.problem(UnscannedReason::Damaged);
        }
        if limited {
            self.problem(UnscannedReason::LimitBytes);
        }
        found
    }

    /// What a file holds, up to so many bytes, and whether there is more; `None` when that is too much work.
    fn bytes_of(&self, entry: &Entry, most: usize, budget: &mut Budget) -> Option<(Vec<u8>, bool)> {
        let (mut bytes, mut cut) = (Vec::new(), false);
        for (start, len) in &entry.pieces {
            let end = start.saturating_add(usize::try_from(*len).unwrap_or(usize::MAX));
            let whole = between(self.data, *start, end);
            let piece = between(whole, 0, most.saturating_sub(bytes.len()));
            cut |= piece.len() < whole.len();
            budget.burn(piece.len() as u64).ok()?;
            bytes.extend_from_slice(piece);
        }
        Some((bytes, cut))
    }

    /// Where a place stands, in pieces of the image.
    fn pieces(&self, place: Place) -> Option<Vec<(usize, u64)>> {
        let block = self.block as u64;
        match self.maps.get(place.map)? {
            Map::Plain(start) => {
                let at = usize::try_from(start.checked_add(place.block)?.checked_mul(block)?).ok()?;
                Some(vec![(at, place.len)])
            }
            Map::Virtual(start, table) => {
                let first = *table.get(usize::try_from(place.block).ok()?)?;
                let at = usize::try_from(start.checked_add(first.into())?.checked_mul(block)?).ok()?;
                Some(vec![(at, place.len)])
            }
            Map::Metadata(pieces) => {
                let (mut offset, mut left) = (place.block.checked_mul(block)?, place.len);
                let mut out = Vec::new();
                for (start, len) in pieces {
                    if offset >= *len {
                        offset = offset.saturating_sub(*len);
                        continue;
                    }
                    let here = left.min(len.saturating_sub(offset));
                    out.push((start.checked_add(usize::try_from(offset).ok()?)?, here));
                    (offset, left) = (0, left.saturating_sub(here));
                    if left == 0 {
                        return Some(out);
                    }
                }
                None
            }
            Map::Unknown => None,
        }
    }

    /// The descriptor at a place, which is never in two pieces.
    fn descriptor(&self, place: Place) -> Option<usize> {
        self.pieces(place)?.first().map(|(at, _)| *at)
    }

    fn walk(&mut self, anchor: usize, budget: &mut Budget) -> Option<()> {
        let set = self.file_set(anchor, budget)?;
        if self.maps.iter().any(|map| matches!(map, Map::Unknown)) {
            self.problem(UnscannedReason::UnknownFormat);
        }
        let at = self.descriptor(set)?;
        if le16(self.data, at)? != FILE_SET {
            return None;
        }
        let root = Place::long(take(self.data, at.checked_add(400)?, 16)?)?;
        let mut seen = BTreeSet::from([self.descriptor(root)?]);
        let mut waiting = vec![Folder { path: String::new(), entry: self.entry(root)? }];
        while let Some(folder) = waiting.pop() {
            if let Err(reason) = self.folder(&folder, &mut waiting, &mut seen, budget) {
                self.problem(reason);
                break;
            }
        }
        Some(())
    }

    /// The file entry at a place: its size and pieces.
    fn entry(&self, place: Place) -> Option<Entry> {
        let at = self.descriptor(place)?;
        let bytes = between(self.data, at, at.saturating_add(self.block));
        let (attributes, descriptors, start) = match le16(bytes, 0)? {
            FILE_ENTRY => (le32(bytes, 168)?, le32(bytes, 172)?, 176_usize),
            EXTENDED_FILE_ENTRY => (le32(bytes, 208)?, le32(bytes, 212)?, 216),
            _ => return None,
        };
        let (kind, flags, size) = (*bytes.get(27)?, le16(bytes, 34)?, le64(bytes, 56)?);
        let start = start.checked_add(usize::try_from(attributes).ok()?)?;
        let end = start.checked_add(usize::try_from(descriptors).ok()?)?;
        let mut entry = Entry { kind, size, pieces: Vec::new(), damaged: false };
        if flags & 7 == 3 {
            // The content stands in the entry itself.
            let len = size.min(between(bytes, start, end).len() as u64);
            entry.pieces.push((at.checked_add(start)?, len));
            entry.damaged = len < size;
            return Some(entry);
        }
        self.extents(&mut entry, between(bytes, start, end), flags & 7 == 0, place.map);
        Some(entry)
    }

    /// The pieces that allocation descriptors tell of; they may go on in another block.
    fn extents(&self, entry: &mut Entry, first: &[u8], short: bool, map: usize) {
        let unit = if short { 8 } else { 16 };
        let (mut left, mut list) = (entry.size, first.to_vec());
        for _ in 0..MAX_PIECES {
            let mut next = None;
            for bytes in list.chunks_exact(unit) {
                let kind = le32(bytes, 0).unwrap_or(0) >> 30;
                let place = if short {
                    let len = u64::from(le32(bytes, 0).unwrap_or(0) & 0x3fff_ffff);
                    Some(Place { block: le32(bytes, 4).unwrap_or(0).into(), map, len })
                } else {
                    Place::long(bytes)
                };
                let Some(place) = place.filter(|place| place.len > 0) else { break };
                if kind == 3 {
                    next = Some(place);
                    break;
                }
                let here = Place { len: place.len.min(left), ..place };
                left = left.saturating_sub(here.len);
                // What is not recorded reads as zeros, of which there is nothing to be seen.
                match self.pieces(here) {
                    Some(pieces) if kind == 0 && entry.pieces.len() < MAX_PIECES => entry.pieces.extend(pieces),
                    Some(_) if kind != 0 => {}
                    _ => entry.damaged = true,
                }
            }
            // An allocation extent descriptor: a tag, the previous one, and how long the list is.
            let more = next.filter(|_| left > 0).and_then(|place| {
                let at = self.descriptor(place)?;
                let len = usize::try_from(le32(self.data, at.checked_add(20)?)?).ok()?.min(self.block);
                take(self.data, at.checked_add(24)?, len).map(<[u8]>::to_vec)
            });
            match more {
                Some(more) => list = more,
                None => break,
            }
        }
        entry.damaged |= left > 0 && left == entry.size && entry.size > 0;
    }

    /// The names in a folder.
    fn folder(
        &mut self,
        folder: &Folder,
        waiting: &mut Vec<Folder>,
        seen: &mut BTreeSet<usize>,
        budget: &mut Budget,
    ) -> Result<(), UnscannedReason> {
        let Some((bytes, cut)) = self.bytes_of(&folder.entry, MAX_FOLDER, budget) else {
            return Err(UnscannedReason::LimitTime);
        };
        if cut {
            self.problem(UnscannedReason::LimitBytes);
        }
        let mut at = 0_usize;
        while let Some(head) = take(&bytes, at, 38) {
            if le16(head, 0) != Some(NAME) {
                self.problem(UnscannedReason::Damaged);
                break;
            }
            budget.burn(64)?;
            let flags = head.get(18).copied().unwrap_or(0);
            let (len, extra) = (usize::from(head.get(19).copied().unwrap_or(0)), le16(head, 36).unwrap_or(0));
            let start = at.saturating_add(38).saturating_add(extra.into());
            let name = name(between(&bytes, start, start.saturating_add(len)));
            at = start.saturating_add(len).saturating_sub(at).next_multiple_of(4).saturating_add(at);
            // Deleted, or the folder above.
            if flags & 0x0c != 0 {
                continue;
            }
            let place = Place::long(between(head, 20, 36));
            let found = place.and_then(|place| Some((self.descriptor(place)?, self.entry(place)?)));
            let Some((number, entry)) = found else {
                self.problem(UnscannedReason::Damaged);
                continue;
            };
            let path = names::cut(format!("{}{name}", folder.path));
            if entry.kind == FOLDER {
                if seen.insert(number) {
                    waiting.push(Folder { path: path + "/", entry });
                }
                if seen.len() > MAX_FOLDERS {
                    return Err(UnscannedReason::LimitObjects);
                }
                continue;
            }
            self.count = self.count.saturating_add(entry.pieces.len());
            if self.files.len() >= budget.limits().objects as usize || self.count > MAX_ALL_PIECES {
                return Err(UnscannedReason::LimitObjects);
            }
            budget.burn(entry.pieces.len() as u64)?;
            let damaged = entry.damaged;
            self.files.push(File { names: vec![path], pieces: entry.pieces, hidden: false, damaged });
        }
        Ok(())
    }
}

/// The numbers in the file of such a kind, when it is the table of a virtual partition.
fn table_in(kind: u8, bytes: &[u8]) -> Option<&[u8]> {
    if kind == TABLE {
        return bytes.get(le16(bytes, 0)?.into()..);
    }
    let end = bytes.len().checked_sub(TABLE_END)?;
    let marked = kind == 0 && bytes.get(end.saturating_add(1)..)?.starts_with(TABLE_MARK);
    marked.then(|| between(bytes, 0, end))
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
}

/// A name (OSTA 2.1.1): a byte says how many bytes its letters have.
fn name(raw: &[u8]) -> String {
    match raw.split_first() {
        Some((16 | 255, rest)) => {
            let units = rest.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            String::from_utf16_lossy(&units.collect::<Vec<u16>>())
        }
        Some((_, rest)) => rest.iter().map(|byte| char::from(*byte)).collect(),
        None => String::new(),
    }
}
