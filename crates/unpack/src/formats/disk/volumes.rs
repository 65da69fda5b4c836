//! Where volumes stand on a disk: it is one itself, or a table tells of several (MBR with logical drives,
//! GPT: UEFI 5.3).
//!
//! Limits: [`MAX_VOLUMES`], [`MAX_LOGICAL`].

use super::bare::is_volume;
use super::image::Disk;
use crate::bytes::{le32, le64, take};

/// Most volumes that are looked at.
const MAX_VOLUMES: usize = 128;
/// Most logical drives.
const MAX_LOGICAL: usize = 64;
/// Most entries of a GPT that are looked at.
const MAX_ENTRIES: u64 = 1024;
/// Length of a sector, in bytes; disks with larger ones say so in their volumes only.
const SECTOR: u64 = 512;
/// How much of a disk tells whether a file system begins with it, in bytes.
const HEAD: usize = 4096;
/// Types of the extended partitions that hold logical drives, and the one that stands for GPT.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
const PROTECTIVE: u8 = 0xee;

/// What a volume is, by its first sector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Fat,
    ExFat,
    /// Something else that holds files, perhaps.
    Other,
}

/// One entry of a partition table: its type, start and length in sectors.
type Entry = (u8, u64, u64);

/// Where a volume begins and ends on the disk, in bytes.
pub(super) type Volume = (u64, u64);

/// What a sector says of the volume that it begins.
pub(super) fn kind(sector: &[u8]) -> Kind {
    if take(sector, 3, 8) == Some(b"EXFAT   ") {
        return Kind::ExFat;
    }
    if super::fat::Geometry::read(sector).is_some() { Kind::Fat } else { Kind::Other }
}

/// The entries of a partition table, if the sector has one.
pub(crate) fn table(sector: &[u8]) -> Option<Vec<(u8, u64, u64)>> {
    if take(sector, 510, 2)? != b"\x55\xaa" {
        return None;
    }
    let mut entries = Vec::new();
    for entry in take(sector, 446, 64)?.chunks_exact(16) {
        if !matches!(entry.first(), Some(0 | 0x80)) {
            return None;
        }
        let (kind, start, len) = (*entry.get(4)?, le32(entry, 8)?, le32(entry, 12)?);
        if kind != 0 {
            if start == 0 || len == 0 {
                return None;
            }
            entries.push((kind, u64::from(start), u64::from(len)));
        }
    }
    (!entries.is_empty()).then_some(entries)
}

/// Where volumes begin and end, in bytes; false beside them when there are more than are looked at.
pub(super) fn find(disk: &Disk, data: &[u8]) -> (Vec<Volume>, bool) {
    let whole = vec![(0, disk.size)];
    let Some(first) = disk.bytes(data, 0, 512) else { return (Vec::new(), true) };
    let Some(entries) = table(&first).filter(|_| kind(&first) == Kind::Other) else { return (whole, true) };
    let mut starts = Vec::new();
    let mut all = true;
    for (kind, start, len) in entries {
        let (found, whole) = match kind {
            PROTECTIVE => gpt(disk, data),
            kind if EXTENDED.contains(&kind) => logical(disk, data, start),
            _ => (vec![volume(start, len)], true),
        };
        starts.extend(found);
        all &= whole;
    }
    // A file system may begin in front of all that the table tells of: the first sector is its own, too.
    let mut head = Vec::new();
    disk.append(data, 0, HEAD, &mut head);
    if take(&first, 3, 8) == Some(b"NTFS    ") || is_volume(&head) {
        starts.push((0, disk.size));
    }
    starts.sort_unstable();
    starts.dedup();
    all &= starts.len() <= MAX_VOLUMES;
    starts.truncate(MAX_VOLUMES);
    (starts, all)
}

/// Whether the image of a disc begins at the disk's start (ISO 9660, UDF).
pub(super) fn is_disc(disk: &Disk, data: &[u8]) -> bool {
    let head = disk.bytes(data, 32_768, 6);
    head.is_some_and(|head| [&b"CD001"[..], b"BEA01"].iter().any(|name| take(&head, 1, 5) == Some(*name)))
}

/// Where so many sectors stand, in bytes.
fn volume(start: u64, len: u64) -> Volume {
    (start.saturating_mul(SECTOR), start.saturating_add(len).saturating_mul(SECTOR))
}

/// The volumes of a GPT; false beside them when it has more entries than are looked at.
fn gpt(disk: &Disk, data: &[u8]) -> (Vec<Volume>, bool) {
    let read = || {
        // The header stands in the second sector, whatever the length of one.
        let (sector, head) = [512_u64, 4096].into_iter().find_map(|sector| {
            let head = disk.bytes(data, sector, 92)?;
            head.starts_with(b"EFI PART").then_some((sector, head))
        })?;
        let (at, count, size) = (le64(&head, 72)?.checked_mul(sector)?, le32(&head, 80)?, le32(&head, 84)?);
        if !(128..=4096).contains(&size) {
            return None;
        }
        let mut starts = Vec::new();
        for number in 0..u64::from(count).min(MAX_ENTRIES) {
            let Some(entry) = disk.bytes(data, at.checked_add(number.checked_mul(size.into())?)?, 48) else { break };
            if take(&entry, 0, 16)?.iter().any(|byte| *byte != 0) {
                let last = le64(&entry, 40)?.saturating_add(1);
                starts.push((le64(&entry, 32)?.saturating_mul(sector), last.saturating_mul(sector)));
            }
        }
        Some((starts, u64::from(count) <= MAX_ENTRIES))
    };
    read().unwrap_or((Vec::new(), true))
}

/// The logical drives in an extended partition: a chain of tables, each with a drive and the next table;
/// false beside them when it goes on.
fn logical(disk: &Disk, data: &[u8], extended: u64) -> (Vec<Volume>, bool) {
    let (mut starts, mut at) = (Vec::new(), extended);
    for _ in 0..MAX_LOGICAL {
        let sector = disk.bytes(data, at.saturating_mul(SECTOR), 512);
        let Some(entries) = sector.and_then(|sector| table(&sector)) else { return (starts, true) };
        let drive = entries.iter().find(|(kind, ..)| !EXTENDED.contains(kind));
        starts.extend(drive.map(|(_, start, len): &Entry| volume(at.saturating_add(*start), *len)));
        let Some((_, next, _)) = entries.iter().find(|(kind, ..)| EXTENDED.contains(kind)) else {
            return (starts, true);
        };
        at = extended.saturating_add(*next);
    }
    (starts, false)
}
