//! Volumes without FAT: a disc's image or an archive on a disk is given as it is, other file systems are told, and
//! what was never written to is nothing.
//!
//! Whether anything was written is read from every byte that the file has of a volume, at most as many in all as the
//! file has; a volume that goes beyond that counts as written to.

use mail::evidence::FileKind;

use super::image::Disk;
use super::volumes::Volume;
use crate::bytes::{be16, be32, le16, le32, take};

/// How much of a volume tells what it is, in bytes: up to the descriptors of a disc.
const HEAD: u64 = 40 * 1024;
/// Volumes are given up to a multiple of this, in bytes.
const UNIT: u64 = 4096;
/// Where the Linux systems and Apple's older one have their first block, in bytes.
const BLOCK: usize = 1024;

/// What a volume is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bare {
    /// Nothing stands in it.
    Empty,
    /// A file of a kind that is opened; it ends here, zeros left out.
    File(u64),
    /// Files that are not read, or something else.
    Unknown,
}

/// What a volume of a disk is; `left`: how many bytes may still be looked at.
pub(super) fn what(disk: &Disk, data: &[u8], (start, end): Volume, left: &mut u64) -> Bare {
    let Some(filled) = disk.filled(data, start, end, left) else { return Bare::Empty };
    let size = filled.saturating_sub(start).min(HEAD);
    let mut head = Vec::new();
    disk.append(data, start, usize::try_from(size).unwrap_or(0), &mut head);
    let kind = crate::detect(&head);
    let opened = kind.is_archive() && !matches!(kind, FileKind::OtherArchive | FileKind::DiskImage);
    // Linux leaves the first block of a volume to others.
    if opened && !is_volume(&head) {
        Bare::File(filled.checked_next_multiple_of(UNIT).unwrap_or(filled).min(end))
    } else {
        Bare::Unknown
    }
}

/// Whether a volume begins here whose first block may hold anything: ext2 to ext4, Minix, UFS, HFS.
pub(crate) fn is_volume(data: &[u8]) -> bool {
    let at = |offset: usize| BLOCK.saturating_add(offset);
    let ext = take(data, at(56), 2) == Some(b"\x53\xef")
        && le32(data, at(24)).is_some_and(|size| size <= 6)
        && le32(data, at(76)).is_some_and(|revision| revision <= 1)
        && le32(data, at(0)).is_some_and(|count| count > 0);
    // A state, and no more zones than a volume of that age has.
    let old = matches!(le16(data, at(16)), Some(0x137f | 0x138f | 0x2468 | 0x2478))
        && matches!(le16(data, at(18)), Some(0..=3))
        && le16(data, at(10)).is_some_and(|size| size <= 6);
    let minix = old || le16(data, at(24)) == Some(0x4d5a) && le16(data, at(28)).is_some_and(is_block);
    // Blocks in whole sectors, and some of them.
    let hfs = take(data, at(0), 2) == Some(b"BD")
        && be32(data, at(20)).is_some_and(|size| size > 0 && size % 512 == 0)
        && be16(data, at(18)).is_some_and(|count| count > 0);
    ext || minix || hfs
}

/// Whether this may be the length of a block, in bytes.
fn is_block(size: u16) -> bool {
    size >= 1024 && size.is_power_of_two()
}
