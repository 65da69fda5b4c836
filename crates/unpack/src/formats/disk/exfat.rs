//! exFAT (Microsoft's specification 1.00), with the files that were deleted as unlisted ones.
//!
//! Limits: [`MAX_FOLDERS`], [`MAX_FOLDER`] of one folder, files up to the limit of objects, and those of
//! [`Work`] for a volume.

use std::collections::BTreeSet;

use mail::evidence::UnscannedReason;

use super::image::Disk;
use super::{File, Pieces, Work};
use crate::budget::Budget;
use crate::bytes::{le16, le32, le64};
use crate::names;

/// Most folders of a volume.
const MAX_FOLDERS: usize = 10_000;
/// Longest folder that is read, in bytes.
const MAX_FOLDER: u64 = 16 * 1024 * 1024;
/// Length of an entry, in bytes.
const ENTRY: usize = 32;
/// Types of entries, without the bit that says that they are in use.
const FILE: u8 = 0x05;
const STREAM: u8 = 0x40;
const NAME: u8 = 0x41;
/// That bit.
const IN_USE: u8 = 0x80;
/// The file's clusters stand together, and have no chain.
const NO_CHAIN: u8 = 2;

/// A folder that is still to be read.
struct Folder {
    path: String,
    first: u64,
    len: u64,
    together: bool,
    deleted: bool,
}

/// A file, put together from its entries.
#[derive(Default)]
struct Found {
    deleted: bool,
    folder: bool,
    together: bool,
    first: u64,
    size: u64,
    name: Vec<u16>,
}

/// Reads a volume.
pub(super) struct ExFat<'a> {
    disk: &'a Disk,
    data: &'a [u8],
    table: u64,
    heap: u64,
    cluster: u64,
    clusters: u64,
    waiting: Vec<Folder>,
    /// Where folders begin, how long they are, and whether they stand together.
    seen: BTreeSet<(u64, u64, bool)>,
    work: Work,
    /// Most files.
    most: usize,
    files: Vec<File>,
    problems: Vec<UnscannedReason>,
}

impl<'a> ExFat<'a> {
    /// The volume that begins at `base`.
    pub(super) fn open(disk: &'a Disk, data: &'a [u8], base: u64) -> Option<Self> {
        let sector = disk.bytes(data, base, 512)?;
        let (size, per) = (*sector.get(108)?, *sector.get(109)?);
        if !(9..=12).contains(&size) || per > 25_u8.saturating_sub(size) {
            return None;
        }
        let at = |offset: usize| base.checked_add(u64::from(le32(&sector, offset)?).checked_shl(size.into())?);
        let first = u64::from(le32(&sector, 96)?);
        let clusters = u64::from(le32(&sector, 92)?);
        let root = Folder { path: String::new(), first, len: MAX_FOLDER, together: false, deleted: false };
        Some(Self {
            disk,
            data,
            table: at(80)?,
            heap: at(88)?,
            cluster: 1_u64.checked_shl(u32::from(size).saturating_add(per.into()))?,
            clusters,
            waiting: vec![root],
            seen: BTreeSet::from([(first, MAX_FOLDER, false)]),
            work: Work::new(data),
            most: usize::MAX,
            files: Vec::new(),
            problems: Vec::new(),
        })
    }

    /// Its files, and what could not be read.
    pub(super) fn read(mut self, budget: &mut Budget) -> (Vec<File>, Vec<UnscannedReason>) {
        self.most = budget.limits().objects as usize;
        while let Some(folder) = self.waiting.pop() {
            if let Err(reason) = self.folder(&folder, budget) {
                self.problem(reason);
                break;
            }
        }
        if let Err(reason) = self.work.end(budget) {
            self.problem(reason);
        }
        (self.files, self.problems)
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// Where up to `len` bytes stand. False beside them when there are fewer.
    fn pieces(&mut self, first: u64, len: u64, together: bool) -> (Pieces, bool) {
        let mut pieces: Pieces = Vec::new();
        let end = self.clusters.saturating_add(2);
        let place = |cluster: u64| self.heap.saturating_add(cluster.saturating_sub(2).saturating_mul(self.cluster));
        if together {
            let behind = end.saturating_sub(first).saturating_mul(self.cluster);
            let here = if first < 2 { 0 } else { len.min(behind) };
            return (vec![(place(first), here)], here == len);
        }
        let (mut cluster, mut left) = (first, len.min(self.clusters.saturating_mul(self.cluster)));
        let whole = left == len;
        while left > 0 {
            if !(2..end).contains(&cluster) || !self.work.step() {
                return (pieces, false);
            }
            let (at, here) = (place(cluster), left.min(self.cluster));
            match pieces.last_mut() {
                Some(last) if last.0.saturating_add(last.1) == at => last.1 = last.1.saturating_add(here),
                _ => pieces.push((at, here)),
            }
            left = left.saturating_sub(here);
            let entry = self.table.saturating_add(cluster.saturating_mul(4));
            let next = self.disk.bytes(self.data, entry, 4).and_then(|next| le32(&next, 0));
            cluster = next.map_or(0, u64::from);
        }
        (pieces, whole)
    }

    fn folder(&mut self, folder: &Folder, budget: &mut Budget) -> Result<(), UnscannedReason> {
        let most = folder.len.min(MAX_FOLDER).min(self.work.folders);
        let (pieces, endless) = self.pieces(folder.first, most, folder.together);
        let filled: u64 = pieces.iter().map(|(_, len)| *len).sum();
        // The root's length is not stated: its chain has an end, or goes in a circle.
        if folder.path.is_empty() && (endless || filled >= self.clusters.saturating_mul(self.cluster)) {
            self.problem(UnscannedReason::Damaged);
        }
        let mut bytes = Vec::new();
        for (at, len) in pieces {
            if !self.disk.append(self.data, at, usize::try_from(len).unwrap_or(0), &mut bytes) {
                self.problem(UnscannedReason::Damaged);
            }
        }
        self.work.folders = self.work.folders.saturating_sub(bytes.len() as u64);
        budget.burn(bytes.len() as u64)?;
        let mut found: Option<Found> = None;
        for entry in bytes.chunks_exact(ENTRY) {
            let kind = entry.first().copied().unwrap_or(0);
            let word = |at: usize| u64::from(le32(entry, at).unwrap_or(0));
            match (kind & !IN_USE, &mut found) {
                (0, _) if kind == 0 => break,
                (FILE, _) => {
                    self.take(found.take(), folder)?;
                    let attributes = le16(entry, 4).unwrap_or(0);
                    let deleted = folder.deleted || kind & IN_USE == 0;
                    found = Some(Found { deleted, folder: attributes & 0x10 != 0, ..Found::default() });
                }
                (STREAM, Some(found)) => {
                    found.together = entry.get(1).is_some_and(|flags| flags & NO_CHAIN != 0);
                    (found.first, found.size) = (word(20), le64(entry, 24).unwrap_or(0));
                }
                (NAME, Some(found)) if found.name.len() < 255 => {
                    let units = entry.get(2..).unwrap_or_default().as_chunks::<2>().0;
                    found.name.extend(units.iter().map(|pair| u16::from_le_bytes(*pair)));
                }
                _ => {}
            }
        }
        self.take(found, folder)
    }

    /// A file whose entries are all read.
    fn take(&mut self, found: Option<Found>, folder: &Folder) -> Result<(), UnscannedReason> {
        let Some(found) = found else { return Ok(()) };
        let name: Vec<u16> = found.name.into_iter().take_while(|unit| *unit != 0).collect();
        let name = names::cut(format!("{}{}", folder.path, String::from_utf16_lossy(&name)));
        // The chain of a deleted file may be another's by now; where it has none, its clusters may.
        let together = found.together || found.deleted;
        if found.folder {
            if self.seen.insert((found.first, found.size, together)) {
                if self.seen.len() > MAX_FOLDERS {
                    return Err(UnscannedReason::LimitObjects);
                }
                let (first, len, deleted) = (found.first, found.size, found.deleted);
                self.waiting.push(Folder { path: name + "/", first, len, together, deleted });
            }
            return Ok(());
        }
        if self.files.len() >= self.most {
            return Err(UnscannedReason::LimitObjects);
        }
        let (pieces, whole) = self.pieces(found.first, found.size, together);
        let damaged = !whole && !found.deleted;
        self.files.push(File { names: vec![name], pieces, size: found.size, hidden: found.deleted, damaged });
        Ok(())
    }
}
