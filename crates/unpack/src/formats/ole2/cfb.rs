//! The compound file itself (MS-CFB): sectors, their chains, and the tree of storages and streams.
//!
//! Read as far as it can be: a wrong size, a chain that ends early or runs in a circle, or a tree with
//! loops spoils what it touches and nothing else. Entries that the tree does not reach are kept and
//! marked. Limits: [`MAX_ENTRIES`]; no table is longer than the file has sectors, and no stream is
//! longer than the file. Not handled: range locks and the transaction signature, which hold nothing.

mod free;

use std::collections::BTreeMap;

use crate::bytes::{between, le16, le32, le64, take};

/// Starts a compound file.
const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Most directory entries that are looked at.
pub(crate) const MAX_ENTRIES: usize = 1 << 17;
/// Length of a directory entry, in bytes.
const ENTRY: usize = 128;
/// Length of a mini sector, in bytes, as a power of two; the format has no other.
const MINI_SHIFT: u32 = 6;
/// Streams shorter than this stand in the mini stream, unless the header says otherwise.
const CUTOFF: u32 = 4096;
/// How many FAT sectors the header itself lists.
const HEADER_FAT: usize = 109;
/// Sector numbers from here on are no sectors.
const MAX_SECTOR: u32 = 0xffff_fffa;
/// No entry.
const NONE: u32 = 0xffff_ffff;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Holds others.
    Storage,
    /// Has content.
    Stream,
    /// The storage that holds all others.
    Root,
}

/// One entry of the directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, as it stands.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The class of a storage, as it stands.
    pub class: [u8; 16],
    /// The storage that holds it; itself for the root and for what no storage holds.
    pub parent: u32,
    /// Whether the tree leads to it.
    pub reached: bool,
    /// Whether it is known what holds it.
    placed: bool,
    start: u32,
    /// As stated, in bytes.
    pub size: u64,
    links: [u32; 3],
}

/// A stream's content.
#[derive(Clone, Default, Debug)]
pub struct Stream {
    /// Its bytes, as far as they are there.
    pub bytes: Vec<u8>,
    /// Whether it is as long as its entry says.
    pub whole: bool,
}

/// A compound file's tables. The bytes are handed in at each call.
#[derive(Debug, Default)]
pub struct Cfb {
    shift: u32,
    cutoff: u32,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini: Vec<u8>,
    /// By number; what is free or senseless is `None`.
    entries: Vec<Option<Entry>>,
    /// By storage and name in lower case.
    names: BTreeMap<(u32, String), u32>,
    /// Whether part of the tables could not be read.
    pub damaged: bool,
    /// Whether there are more entries than are looked at.
    pub too_many: bool,
}

impl Cfb {
    /// Reads header, tables and directory.
    pub fn open(data: &[u8]) -> Self {
        let mut file = Self::default();
        if !data.starts_with(MAGIC) {
            file.damaged = true;
            return file;
        }
        let version = le16(data, 26).unwrap_or(3);
        file.shift = match le16(data, 30) {
            Some(shift @ 7..=16) => shift.into(),
            _ if version == 4 => 12,
            _ => 9,
        };
        file.cutoff = le32(data, 56).filter(|cutoff| (1..=0x1_0000).contains(cutoff)).unwrap_or(CUTOFF);
        let sectors = data.len().checked_shr(file.shift).unwrap_or(0).saturating_add(1);
        file.read_fat(data, sectors);
        let start = le32(data, 48).unwrap_or(NONE);
        let directory = file.chain_bytes(data, start, data.len() as u64);
        file.read_directory(&directory.bytes, version);
        file.follow(0, true);
        for number in 0..u32::try_from(file.entries.len()).unwrap_or(0) {
            if file.entry(number).is_some_and(|entry| !entry.placed && entry.kind == Kind::Storage) {
                file.follow(number, false);
            }
        }
        let mini_fat = file.chain_bytes(data, le32(data, 60).unwrap_or(NONE), data.len() as u64).bytes;
        file.mini_fat = numbers(&mini_fat).collect();
        if let Some(root) = file.entry(0) {
            let (start, size) = (root.start, root.size);
            file.mini = file.chain_bytes(data, start, size.min(data.len() as u64)).bytes;
        }
        file
    }

    /// The table of sectors: a list of its own sectors in the header, which goes on in a chain.
    fn read_fat(&mut self, data: &[u8], sectors: usize) {
        let mut listed: Vec<u32> = numbers(between(data, 76, 76 + 4 * HEADER_FAT)).collect();
        let per_sector = (1_usize << self.shift) / 4;
        let mut next = le32(data, 68).unwrap_or(NONE);
        let enough = sectors.checked_div(per_sector).unwrap_or(0).saturating_add(1);
        while next < MAX_SECTOR && listed.len() < enough.saturating_add(HEADER_FAT) {
            let Some(sector) = self.sector(data, next) else {
                self.damaged = true;
                break;
            };
            let mut all: Vec<u32> = numbers(sector).collect();
            next = if all.len() == per_sector { all.pop().unwrap_or(NONE) } else { NONE };
            listed.extend(all);
        }
        for number in listed.into_iter().filter(|number| *number < MAX_SECTOR).take(enough) {
            let before = self.fat.len();
            match self.sector(data, number) {
                Some(sector) => self.fat.extend(numbers(sector)),
                None => self.damaged = true,
            }
            // What is cut off counts as free, so that the next sector's numbers stand at their place.
            self.fat.resize(before.saturating_add(per_sector), NONE);
        }
    }

    /// One sector, cut to what there is.
    fn sector<'a>(&self, data: &'a [u8], number: u32) -> Option<&'a [u8]> {
        let size = 1_usize.checked_shl(self.shift)?;
        let start = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(size)?;
        Some(between(data, start, start.checked_add(size)?)).filter(|sector| !sector.is_empty())
    }

    /// The bytes of a chain of sectors, at most `size`; a circle ends it.
    fn chain_bytes(&self, data: &[u8], start: u32, size: u64) -> Stream {
        let most = usize::try_from(size).unwrap_or(usize::MAX).min(data.len());
        let mut bytes = Vec::new();
        let mut number = start;
        while number < MAX_SECTOR && bytes.len() < most {
            let Some(sector) = self.sector(data, number) else { break };
            bytes.extend_from_slice(between(sector, 0, most.saturating_sub(bytes.len())));
            let next = self.fat.get(number as usize).copied();
            number = next.unwrap_or(NONE);
        }
        let whole = bytes.len() as u64 == size;
        Stream { bytes, whole }
    }

    /// The same in the mini stream.
    fn mini_bytes(&self, start: u32, size: u64) -> Stream {
        let most = usize::try_from(size).unwrap_or(usize::MAX).min(self.mini.len());
        let mut bytes = Vec::new();
        let mut number = start;
        while number < MAX_SECTOR && bytes.len() < most {
            let at = (number as usize) << MINI_SHIFT;
            let sector = between(&self.mini, at, at.saturating_add(1 << MINI_SHIFT));
            if sector.is_empty() {
                break;
            }
            bytes.extend_from_slice(between(sector, 0, most.saturating_sub(bytes.len())));
            number = self.mini_fat.get(number as usize).copied().unwrap_or(NONE);
        }
        let whole = bytes.len() as u64 == size;
        Stream { bytes, whole }
    }

    fn read_directory(&mut self, directory: &[u8], version: u16) {
        self.too_many = directory.len().div_ceil(ENTRY) > MAX_ENTRIES;
        for (number, raw) in directory.chunks_exact(ENTRY).take(MAX_ENTRIES).enumerate() {
            self.entries.push(read_entry(raw, number, version));
        }
        self.damaged |= !matches!(self.entry(0), Some(entry) if entry.kind == Kind::Root);
    }

    /// Follows the tree from a storage, and says of each entry what holds it; `listed`: from the root.
    /// Not recursive: the links are a sender's.
    fn follow(&mut self, top: u32, listed: bool) {
        let mut waiting = vec![(top, top)];
        while let Some((number, parent)) = waiting.pop() {
            let Some(Some(entry)) = self.entries.get_mut(number as usize) else {
                self.damaged |= listed && number != 0;
                continue;
            };
            if entry.placed {
                self.damaged |= listed;
                continue;
            }
            entry.placed = true;
            entry.reached = listed;
            entry.parent = parent;
            let [left, right, child] = entry.links;
            let holds = entry.kind != Kind::Stream;
            if number != top {
                self.names.entry((parent, entry.name.to_lowercase())).or_insert(number);
                waiting.extend([right, left].into_iter().filter(|link| *link != NONE).map(|link| (link, parent)));
            }
            if holds && child != NONE {
                waiting.push((child, number));
            }
        }
    }

    /// An entry, by its number.
    pub fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number as usize)?.as_ref()
    }

    /// All entries, with their numbers.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0_u32..).zip(&self.entries).filter_map(|(number, entry)| Some((number, entry.as_ref()?)))
    }

    /// Where the file ends: behind the last sector that is in use.
    pub(crate) fn end(&self) -> usize {
        let used = self.fat.iter().rposition(|next| *next != NONE).map_or(0, |last| last.saturating_add(1));
        used.saturating_add(1).saturating_mul(1_usize.checked_shl(self.shift).unwrap_or(1))
    }

    /// What a storage holds under a name, in whatever case.
    pub(crate) fn find(&self, storage: u32, name: &str) -> Option<u32> {
        self.names.get(&(storage, name.to_lowercase())).copied()
    }

    /// What a storage holds.
    pub(crate) fn children(&self, storage: u32) -> impl Iterator<Item = (u32, &Entry)> {
        let range = self.names.range((storage, String::new())..);
        let range = range.take_while(move |((holder, _), _)| *holder == storage);
        range.filter_map(|(_, number)| Some((*number, self.entry(*number)?)))
    }

    /// A stream's content: at most as long as the file.
    pub fn read(&self, data: &[u8], number: u32) -> Stream {
        let Some(entry) = self.entry(number).filter(|entry| entry.kind == Kind::Stream) else {
            return Stream::default();
        };
        if entry.size < u64::from(self.cutoff) {
            self.mini_bytes(entry.start, entry.size)
        } else {
            self.chain_bytes(data, entry.start, entry.size)
        }
    }
}

/// One entry, unless it is free or of no known kind.
fn read_entry(raw: &[u8], number: usize, version: u16) -> Option<Entry> {
    let kind = match (raw.get(66)?, number) {
        (5, _) | (_, 0) => Kind::Root,
        (1, _) => Kind::Storage,
        (2, _) => Kind::Stream,
        _ => return None,
    };
    let length = usize::from(le16(raw, 64)?).clamp(2, 64).saturating_sub(2);
    let units: Vec<u16> = take(raw, 0, length)?.chunks_exact(2).filter_map(|pair| le16(pair, 0)).collect();
    let name = String::from_utf16_lossy(&units);
    let size = le64(raw, 120)?;
    // The upper half of a size is not to be looked at in version 3 (MS-CFB 2.6.1).
    let size = if version == 4 { size } else { size & 0xffff_ffff };
    Some(Entry {
        name: name.trim_end_matches('\0').to_owned(),
        kind,
        class: take(raw, 80, 16)?.try_into().ok()?,
        parent: u32::try_from(number).ok()?,
        reached: false,
        placed: false,
        start: le32(raw, 116)?,
        size,
        links: [le32(raw, 68)?, le32(raw, 72)?, le32(raw, 76)?],
    })
}

/// The 32-bit numbers of a table.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).filter_map(|four| le32(four, 0))
}
