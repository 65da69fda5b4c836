//! FAT12, FAT16 and FAT32 (Microsoft's FAT specification 1.03), with long names, and the files that were
//! deleted: they come as unlisted, as far as their clusters stand together and are free.
//!
//! Limits: [`MAX_FOLDERS`], [`MAX_FOLDER`] of one folder, files up to the limit of objects, and those of
//! [`Work`] for a volume: chains in circles, and files and folders that share clusters, end there.

use std::collections::BTreeSet;

use mail::evidence::UnscannedReason;

use super::image::Disk;
use super::{File, Pieces, Work};
use crate::budget::Budget;
use crate::bytes::{le16, le32, take};
use crate::names;

/// Most folders of a volume.
const MAX_FOLDERS: usize = 10_000;
/// Longest folder, in bytes: what the specification allows.
const MAX_FOLDER: u64 = 65_536 * 32;
/// Length of an entry, in bytes.
const ENTRY: usize = 32;
/// Attributes.
const VOLUME: u8 = 0x08;
const FOLDER: u8 = 0x10;
/// Short names of the entries for a folder itself and for the one around it.
const OWN_FOLDERS: [&[u8; 11]; 2] = [b".          ", b"..         "];
const LONG_NAME: u8 = 0x0f;
/// Marks of Windows NT: the parts of a short name are in lower case.
const LOWER_STEM: u8 = 0x08;
const LOWER_END: u8 = 0x10;

/// How a volume is laid out, in bytes from its start.
#[derive(Clone)]
pub(crate) struct Geometry {
    bits: u32,
    cluster: u64,
    clusters: u64,
    table: u64,
    root: u64,
    /// Length of the root folder; `None`: it is a chain of clusters that begins with this one.
    root_len: Result<u64, u64>,
    heap: u64,
}

impl Geometry {
    /// From the first sector of a volume.
    pub(crate) fn read(sector: &[u8]) -> Option<Self> {
        let (size, per) = (u64::from(le16(sector, 11)?), u64::from(*sector.get(13)?));
        let sized = matches!(size, 512 | 1024 | 2048 | 4096) && per.is_power_of_two();
        let (reserved, tables) = (u64::from(le16(sector, 14)?), u64::from(*sector.get(16)?));
        let jump = matches!(sector.first(), Some(0xeb | 0xe9)) || sector.first() == Some(&0);
        if !sized || reserved == 0 || !(1..=4).contains(&tables) || !jump || take(sector, 510, 2)? != b"\x55\xaa" {
            return None;
        }
        let root_entries = u64::from(le16(sector, 17)?);
        let small = u64::from(le16(sector, 19)?);
        let total = if small > 0 { small } else { u64::from(le32(sector, 32)?) };
        let short = u64::from(le16(sector, 22)?);
        let table_len = if short > 0 { short } else { u64::from(le32(sector, 36)?) };
        let root = reserved.checked_add(tables.checked_mul(table_len)?)?;
        let root_sectors = root_entries.checked_mul(32)?.div_ceil(size);
        let heap = root.checked_add(root_sectors)?;
        let clusters = total.checked_sub(heap)?.checked_div(per)?;
        let bits = match clusters {
            _ if table_len == 0 || clusters == 0 => return None,
            _ if short == 0 => 32,
            0..4085 => 12,
            _ => 16,
        };
        let root_len = if bits == 32 { Err(u64::from(le32(sector, 44)?)) } else { Ok(root_entries.checked_mul(32)?) };
        Some(Self {
            bits,
            cluster: size.checked_mul(per)?,
            clusters,
            table: reserved.checked_mul(size)?,
            root: root.checked_mul(size)?,
            root_len,
            heap: heap.checked_mul(size)?,
        })
    }
}

/// A folder that is still to be read.
struct Folder {
    path: String,
    first: u64,
    deleted: bool,
}

/// Reads a volume.
pub(super) struct Fat<'a> {
    disk: &'a Disk,
    data: &'a [u8],
    base: u64,
    geometry: Geometry,
    waiting: Vec<Folder>,
    seen: BTreeSet<u64>,
    work: Work,
    /// Most files.
    most: usize,
    files: Vec<File>,
    problems: Vec<UnscannedReason>,
}

impl<'a> Fat<'a> {
    /// The volume that begins at `base`.
    pub(super) fn open(disk: &'a Disk, data: &'a [u8], base: u64) -> Option<Self> {
        let geometry = Geometry::read(&disk.bytes(data, base, 512)?)?;
        let (waiting, seen, work) = (Vec::new(), BTreeSet::new(), Work::new(data));
        Some(Self {
            disk,
            data,
            base,
            geometry,
            waiting,
            seen,
            work,
            most: usize::MAX,
            files: Vec::new(),
            problems: Vec::new(),
        })
    }

    /// Its files, and what could not be read.
    pub(super) fn read(mut self, budget: &mut Budget) -> (Vec<File>, Vec<UnscannedReason>) {
        self.most = budget.limits().objects as usize;
        let root = match self.geometry.root_len {
            Ok(len) => {
                let at = self.base.saturating_add(self.geometry.root);
                let mut bytes = Vec::new();
                let whole = self.disk.append(self.data, at, usize::try_from(len).unwrap_or(0), &mut bytes);
                self.problem(whole, UnscannedReason::Damaged);
                bytes
            }
            Err(first) => self.folder_bytes(&Folder { path: String::new(), first, deleted: false }),
        };
        let mut result = self.entries(&root, "", false, budget);
        while let (Ok(()), Some(folder)) = (result, self.waiting.pop()) {
            let bytes = self.folder_bytes(&folder);
            result = self.entries(&bytes, &folder.path, folder.deleted, budget);
        }
        let worked = self.work.end(budget);
        if let Err(reason) = result.and(worked) {
            self.problem(false, reason);
        }
        (self.files, self.problems)
    }

    fn problem(&mut self, fine: bool, reason: UnscannedReason) {
        if !fine && !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// What the table says of a cluster: the next one. 0: it is free.
    fn next(&self, cluster: u64) -> Option<u64> {
        let (disk, at) = (self.disk, self.base.checked_add(self.geometry.table)?);
        let entry = |offset: u64, len: usize| disk.bytes(self.data, at.checked_add(offset)?, len);
        Some(match self.geometry.bits {
            12 => {
                let both = u64::from(le16(&entry(cluster.checked_add(cluster / 2)?, 2)?, 0)?);
                if cluster & 1 == 1 { both >> 4 } else { both & 0xfff }
            }
            16 => u64::from(le16(&entry(cluster.checked_mul(2)?, 2)?, 0)?),
            _ => u64::from(le32(&entry(cluster.checked_mul(4)?, 4)?, 0)? & 0x0fff_ffff),
        })
    }

    fn is_cluster(&self, cluster: u64) -> bool {
        (2..self.geometry.clusters.saturating_add(2)).contains(&cluster)
    }

    /// Where a cluster stands on the disk.
    fn place(&self, cluster: u64) -> u64 {
        let offset = cluster.saturating_sub(2).saturating_mul(self.geometry.cluster);
        self.base.saturating_add(self.geometry.heap).saturating_add(offset)
    }

    /// Where up to `len` bytes of a chain stand. Neighbours are joined. False beside them when the chain
    /// ends before.
    fn chain(&mut self, first: u64, len: u64, deleted: bool) -> (Pieces, bool) {
        let mut pieces: Pieces = Vec::new();
        if deleted && self.is_cluster(first) {
            // The chain of a deleted file is gone: its clusters most likely stood together.
            let behind = self.geometry.clusters.saturating_add(2).saturating_sub(first);
            let here = len.min(behind.saturating_mul(self.geometry.cluster));
            return (vec![(self.place(first), here)], here == len);
        }
        let (mut cluster, mut left) = (first, len);
        while left > 0 {
            if !self.is_cluster(cluster) || !self.work.step() {
                return (pieces, false);
            }
            let (at, here) = (self.place(cluster), left.min(self.geometry.cluster));
            match pieces.last_mut() {
                Some(last) if last.0.saturating_add(last.1) == at => last.1 = last.1.saturating_add(here),
                _ => pieces.push((at, here)),
            }
            left = left.saturating_sub(here);
            cluster = if left > 0 { self.next(cluster).unwrap_or(0) } else { 0 };
        }
        (pieces, true)
    }

    /// The bytes of a folder: its chain to the end.
    fn folder_bytes(&mut self, folder: &Folder) -> Vec<u8> {
        let most = MAX_FOLDER.min(self.geometry.clusters.saturating_mul(self.geometry.cluster));
        // Of a deleted one only the first cluster is surely its own.
        let most = if folder.deleted { self.geometry.cluster.min(most) } else { most };
        let most = most.min(self.work.folders);
        let (pieces, endless) = self.chain(folder.first, most, folder.deleted);
        self.problem(!endless || folder.deleted, UnscannedReason::Damaged);
        let mut bytes = Vec::new();
        let mut whole = !pieces.is_empty();
        for (at, len) in pieces {
            whole &= self.disk.append(self.data, at, usize::try_from(len).unwrap_or(0), &mut bytes);
        }
        self.work.folders = self.work.folders.saturating_sub(bytes.len() as u64);
        self.problem(whole || folder.deleted, UnscannedReason::Damaged);
        bytes
    }

    /// The entries of a folder.
    fn entries(&mut self, bytes: &[u8], path: &str, deleted: bool, budget: &mut Budget) -> Result<(), UnscannedReason> {
        budget.burn(bytes.len() as u64)?;
        let mut long: Vec<u16> = Vec::new();
        for entry in bytes.chunks_exact(ENTRY) {
            let (Some(first), Some(attributes)) = (entry.first().copied(), entry.get(11).copied()) else { break };
            if first == 0 {
                break;
            }
            if attributes & 0x3f == LONG_NAME {
                // The last piece of a name comes first.
                let piece: Vec<u16> = [1..11, 14..26, 28..32]
                    .into_iter()
                    .flat_map(|range| entry.get(range).unwrap_or_default().as_chunks::<2>().0)
                    .map(|pair| u16::from_le_bytes(*pair))
                    .collect();
                if long.len() < 20 * 13 {
                    long.splice(0..0, piece);
                }
                continue;
            }
            let names = names(entry, std::mem::take(&mut long));
            // Any other name with a dot in front is a file's, as strange as it is.
            let own = OWN_FOLDERS.iter().any(|name| entry.starts_with(*name));
            if attributes & VOLUME == 0 && !own {
                self.entry(entry, &names, path, deleted || first == 0xe5)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &[u8], names: &[String], path: &str, deleted: bool) -> Result<(), UnscannedReason> {
        let word = |at: usize| u64::from(le16(entry, at).unwrap_or(0));
        let high = if self.geometry.bits == 32 { word(20) } else { 0 };
        let first = high << 16 | word(26);
        let size = u64::from(le32(entry, 28).unwrap_or(0));
        let full = |name: &String| names::cut(format!("{path}{name}"));
        let taken = deleted && self.next(first).is_none_or(|next| next != 0);
        if entry.get(11).is_some_and(|attributes| attributes & FOLDER != 0) {
            if !taken && self.is_cluster(first) && self.seen.insert(first) {
                if self.seen.len() > MAX_FOLDERS {
                    return Err(UnscannedReason::LimitObjects);
                }
                let path = names.first().map(full).unwrap_or_default() + "/";
                self.waiting.push(Folder { path, first, deleted });
            }
            return Ok(());
        }
        // What another file has taken over is that file's.
        if taken && size > 0 {
            return Ok(());
        }
        let (pieces, whole) = self.chain(first, size, deleted);
        if self.files.len() >= self.most {
            return Err(UnscannedReason::LimitObjects);
        }
        self.files.push(File {
            names: names.iter().map(full).collect(),
            pieces,
            size,
            hidden: deleted,
            damaged: !whole && !deleted,
        });
        Ok(())
    }
}

/// The long name, and the short one.
fn names(entry: &[u8], long: Vec<u16>) -> Vec<String> {
    let long: Vec<u16> = long.into_iter().take_while(|unit| !matches!(unit, 0 | 0xffff)).collect();
    let case = entry.get(12).copied().unwrap_or(0);
    let part = |range: std::ops::Range<usize>, lower: u8| {
        let raw = entry.get(range).unwrap_or_default();
        // 0x05 stands for a first letter 0xe5, which would mark a deleted entry.
        let raw: Vec<u8> = raw.iter().map(|byte| if *byte == 5 { 0xe5 } else { *byte }).collect();
        let text = names::decode(raw.trim_ascii_end());
        if case & lower != 0 { text.to_lowercase() } else { text }
    };
    let (mut stem, end) = (part(0..8, LOWER_STEM), part(8..11, LOWER_END));
    if entry.first() == Some(&0xe5) {
        // The first letter is gone.
        stem = format!("_{}", part(1..8, LOWER_STEM));
    }
    let short = if end.is_empty() { stem } else { format!("{stem}.{end}") };
    let long = (!long.is_empty()).then(|| String::from_utf16_lossy(&long));
    long.into_iter().chain([short]).collect()
}
