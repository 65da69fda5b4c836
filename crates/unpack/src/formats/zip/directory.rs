//! The central directory: where it stands, and its records (APPNOTE 4.3.12 to 4.3.16).
//!
//! Limits: [`MAX_TAIL`], [`MAX_CANDIDATES`]. The counts and sizes that the archive states are never
//! believed: records are read for as long as they are records, and a wrong count is damage.

use std::ops::Range;

use super::header::{CENTRAL_MAGIC, Header};
use crate::bytes::{between, le16, le32, le64, take};

/// Begins the end record.
const END_MAGIC: &[u8; 4] = b"PK\x05\x06";
/// Begins the zip64 end record.
const END64_MAGIC: &[u8; 4] = b"PK\x06\x06";
/// Begins the zip64 locator.
const LOCATOR_MAGIC: &[u8; 4] = b"PK\x06\x07";
/// Length of the end record without its comment, in bytes.
const END_LEN: usize = 22;
/// Length of the zip64 locator, in bytes.
const LOCATOR_LEN: usize = 20;
/// How far from the end the end record is looked for, in bytes: its length and the longest comment.
const MAX_TAIL: usize = END_LEN + 65_535;
/// Most end records that are tried, from the last.
const MAX_CANDIDATES: usize = 16;

/// The directory of an archive; without one it is empty and unsound.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) records: Vec<Header>,
    /// Where the records stand.
    pub(super) at: Range<usize>,
    /// Where the end records stand, zip64 ones and the comment included.
    pub(super) tail: Range<usize>,
    /// Where the comment stands.
    pub(super) comment: Range<usize>,
    /// What all stated offsets are short of: the length of what stands in front of the archive.
    pub(super) base: u64,
    /// It was found, whole, and is what its end record says.
    pub(super) sound: bool,
    /// There were more records than were asked for.
    pub(super) cut: bool,
}

/// What the end record says.
struct End {
    /// Where the first of the end records stands (the zip64 one, if there is one).
    start: usize,
    count: u64,
    size: u64,
    offset: u64,
    /// The count is a 16-bit one, which wraps with some writers.
    short: bool,
    /// All on one disk.
    whole: bool,
}

/// Whether an archive's directory stands at the end of these bytes.
pub(crate) fn has_directory(data: &[u8]) -> bool {
    find(data).is_some_and(|(_, end, at)| end.count > 0 && between(data, at, data.len()).starts_with(CENTRAL_MAGIC))
}

/// The names of the first members in the directory, raw; for telling kinds of archives apart.
pub(crate) fn member_names(data: &[u8], max: u32) -> Vec<&[u8]> {
    Directory::read(data, max).records.iter().map(|record| record.raw_name(data)).collect()
}

impl Directory {
    /// The directory with at most `max` records.
    pub(super) fn read(data: &[u8], max: u32) -> Self {
        let Some((place, end, start)) = find(data) else { return Self::default() };
        let comment = place.saturating_add(END_LEN).min(data.len());
        let stated = le16(data, place.saturating_add(20)).unwrap_or(0);
        let comment_end = comment.saturating_add(usize::from(stated)).min(data.len());
        let mut directory = Self {
            at: start..start,
            tail: end.start..comment_end,
            comment: comment..comment_end,
            base: (start as u64).saturating_sub(end.offset),
            ..Self::default()
        };
        while let Some(record) = Header::central(data, directory.at.end).filter(|record| record.at.end <= end.start) {
            if directory.records.len() >= max as usize {
                directory.cut = true;
                break;
            }
            directory.at.end = record.at.end;
            directory.records.push(record);
        }
        let found = directory.records.len() as u64;
        let counted = found == end.count || end.short && found & 0xffff == end.count;
        let filled = directory.at.len() as u64 == end.size && directory.at.end == end.start;
        directory.sound = directory.cut || counted && filled && end.whole;
        directory
    }

    /// Where a record's local header stands, and that header.
    pub(super) fn local(&self, data: &[u8], record: &Header) -> Option<Header> {
        let at = |offset: u64| Header::local(data, usize::try_from(offset).ok()?);
        at(record.offset.saturating_add(self.base)).or_else(|| at(record.offset))
    }
}

/// The last end record that a directory belongs to: where it stands, what it says, and where the
/// directory starts.
fn find(data: &[u8]) -> Option<(usize, End, usize)> {
    let from = data.len().saturating_sub(MAX_TAIL);
    let tail = between(data, from, data.len());
    for found in memchr::memmem::rfind_iter(tail, END_MAGIC).take(MAX_CANDIDATES) {
        let place = from.saturating_add(found);
        let Some(end) = End::read(data, place) else { continue };
        if let Some(start) = end.directory(data) {
            return Some((place, end, start));
        }
    }
    None
}

impl End {
    fn read(data: &[u8], place: usize) -> Option<Self> {
        let record = take(data, place, END_LEN)?;
        let end = Self {
            start: place,
            count: le16(record, 10)?.into(),
            size: le32(record, 12)?.into(),
            offset: le32(record, 16)?.into(),
            short: true,
            whole: le16(record, 4)? == 0 && le16(record, 6)? == 0,
        };
        let full = end.count == 0xffff || end.size == 0xffff_ffff || end.offset == 0xffff_ffff;
        Some(if full { Self::read64(data, place).unwrap_or(end) } else { end })
    }

    /// The zip64 end record, which a locator in front of the end record points to.
    fn read64(data: &[u8], place: usize) -> Option<Self> {
        let locator_at = place.checked_sub(LOCATOR_LEN)?;
        let locator = take(data, locator_at, LOCATOR_LEN)?;
        if !locator.starts_with(LOCATOR_MAGIC) {
            return None;
        }
        let stated = usize::try_from(le64(locator, 8)?).ok()?;
        // What stands in front of an archive makes the stated place wrong; the usual length does not.
        let places = [Some(stated), locator_at.checked_sub(56)];
        let is_record = |at: &usize| between(data, *at, locator_at).starts_with(END64_MAGIC);
        let start = places.into_iter().flatten().find(is_record)?;
        let record = take(data, start, 56)?;
        Some(Self {
            start,
            count: le64(record, 32)?,
            size: le64(record, 40)?,
            offset: le64(record, 48)?,
            short: false,
            whole: le32(record, 16)? == 0 && le32(record, 20)? == 0,
        })
    }

    /// Where the directory starts: its size before the end record, or else at its stated offset.
    fn directory(&self, data: &[u8]) -> Option<usize> {
        let before = usize::try_from(self.size).ok().and_then(|size| self.start.checked_sub(size));
        let stated = usize::try_from(self.offset).ok().filter(|&at| at <= self.start);
        let starts = |at: &usize| between(data, *at, self.start).starts_with(CENTRAL_MAGIC);
        let empty = (self.count == 0 && self.size == 0).then_some(self.start);
        before.filter(starts).or(stated.filter(starts)).or(empty)
    }
}
