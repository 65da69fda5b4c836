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
/// Most members of a directory whose places are told.
const MAX_PLACES: usize = 1024;
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
    /// It was found, whole, and is what its end record says.
    pub(super) sound: bool,
    /// Its end record says that it is the last of several files.
    pub(super) split: bool,
    /// There were more records than were asked for.
    pub(super) cut: bool,
    /// Records of other directories, which other programs may take for the archive's own.
    pub(super) others: Vec<Header>,
}

/// What the end record says.
#[derive(Clone)]
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
    let full = |found: &Found| between(data, found.start, found.end.start).starts_with(CENTRAL_MAGIC);
    find(data).first().is_some_and(full)
}

/// Where directories and the first of their members start.
pub(crate) fn places(data: &[u8]) -> Vec<usize> {
    let mut all = Vec::new();
    for found in find(data) {
        all.push(found.start);
        let (records, _) = records(data, found.start, &found.end, MAX_PLACES);
        let local = |record: &Header| Directory::local(data, record).map(|local| local.at.start);
        all.extend(records.iter().filter_map(local));
    }
    all
}

/// From where the first member or directory starts to where the last end record ends, without its comment.
pub(crate) fn extent(data: &[u8]) -> Option<Range<usize>> {
    let end = find(data).iter().map(|found| found.place.saturating_add(END_LEN)).max()?;
    Some(places(data).into_iter().min()?..end.min(data.len()))
}

/// The names of all members in the directories that programs may take for the archive's, raw; for telling
/// kinds of archives apart. Nothing is kept.
pub(crate) fn member_names(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    find(data).into_iter().flat_map(move |found| {
        let mut at = found.start;
        std::iter::from_fn(move || {
            let record = Header::central(data, at).filter(|record| record.at.end <= found.end.start)?;
            at = record.at.end;
            Some(record.raw_name(data))
        })
    })
}

impl Directory {
    /// The directory with at most `max` records.
    pub(super) fn read(data: &[u8], max: u32) -> Self {
        let max = max as usize;
        let mut all = find(data).into_iter();
        let Some(Found { place, end, start }) = all.next() else { return Self::default() };
        let comment = place.saturating_add(END_LEN).min(data.len());
        let stated = le16(data, place.saturating_add(20)).unwrap_or(0);
        let comment_end = comment.saturating_add(usize::from(stated)).min(data.len());
        let (found, at) = records(data, start, &end, max);
        let cut = found.len() >= max && Header::central(data, at.end).is_some();
        let count = found.len() as u64;
        let counted = count == end.count || end.short && count & 0xffff == end.count;
        let filled = at.len() as u64 == end.size && at.end == end.start;
        let mut directory = Self {
            sound: cut || counted && filled && end.whole,
            split: !end.whole,
            records: found,
            at,
            tail: end.start..comment_end,
            comment: comment..comment_end,
            cut,
            others: Vec::new(),
        };
        for other in all {
            let left = max.saturating_sub(directory.records.len()).saturating_sub(directory.others.len());
            directory.others.extend(records(data, other.start, &other.end, left).0);
            directory.sound = false;
        }
        directory
    }

    /// One record, by its number, and whether it is one of another directory.
    pub(super) fn record(&self, number: usize) -> Option<(Header, bool)> {
        let other = || self.others.get(number.checked_sub(self.records.len())?);
        let own = self.records.get(number).map(|record| (record.clone(), false));
        own.or_else(|| Some((other()?.clone(), true)))
    }

    /// A record's local header.
    pub(super) fn local(data: &[u8], record: &Header) -> Option<Header> {
        let at = |offset: u64| Header::local(data, usize::try_from(offset).ok()?);
        at(record.offset.saturating_add(record.base)).or_else(|| at(record.offset))
    }
}

/// The records from `start` on, at most `max`, and where they stand.
fn records(data: &[u8], start: usize, end: &End, max: usize) -> (Vec<Header>, Range<usize>) {
    let mut records = Vec::new();
    let mut at = start..start;
    // What stands in front of an archive makes all stated offsets short of its length.
    let base = (start as u64).saturating_sub(end.offset);
    while records.len() < max {
        let record = Header::central(data, at.end).filter(|record| record.at.end <= end.start);
        let Some(mut record) = record else { break };
        at.end = record.at.end;
        record.base = base;
        records.push(record);
    }
    (records, at)
}

/// A directory that was found.
struct Found {
    /// Where its end record stands.
    place: usize,
    end: End,
    /// Where its records start.
    start: usize,
}

/// The directories that programs may take for the archive's: of the last end record that has one,
/// where its size and where its offset says; and of end records whose comment reaches to the end.
fn find(data: &[u8]) -> Vec<Found> {
    let from = data.len().saturating_sub(MAX_TAIL);
    let tail = between(data, from, data.len());
    let mut all: Vec<Found> = Vec::new();
    for found in memchr::memmem::rfind_iter(tail, END_MAGIC).take(MAX_CANDIDATES) {
        let place = from.saturating_add(found);
        let Some(end) = End::read(data, place) else { continue };
        let comment = le16(data, place.saturating_add(20)).unwrap_or(0);
        let reaches = place.saturating_add(END_LEN).saturating_add(comment.into()) == data.len();
        if !all.is_empty() && !reaches {
            continue;
        }
        for start in end.directories(data).into_iter().flatten() {
            if all.iter().all(|known| known.start != start) {
                all.push(Found { place, end: end.clone(), start });
            }
        }
    }
    all
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
        let large = Self::read64(data, place);
        // Some writers, of streams above all, put a zip64 record there though nothing needs it.
        let same = |large: &Self| (large.count, large.size, large.offset) == (end.count, end.size, end.offset);
        Some(large.filter(|large| full || same(large)).unwrap_or(end))
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

    /// Where the directory starts: its size before the end record, or at its stated offset.
    fn directories(&self, data: &[u8]) -> [Option<usize>; 2] {
        let before = usize::try_from(self.size).ok().and_then(|size| self.start.checked_sub(size));
        let stated = usize::try_from(self.offset).ok().filter(|&at| at <= self.start);
        let starts = |at: &usize| between(data, *at, self.start).starts_with(CENTRAL_MAGIC);
        let empty = (self.count == 0 && self.size == 0).then_some(self.start);
        match (before.filter(starts), stated.filter(starts)) {
            (None, None) => [empty, None],
            both => both.into(),
        }
    }
}
