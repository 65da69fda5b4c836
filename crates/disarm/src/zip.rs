//! A zip archive without some of its members, or with other content in them, and new archives of
//! what other formats held (APPNOTE 6.3).
//!
//! The local headers, data and data descriptors of what remains are copied as they stand, and so are
//! the directory's records, but for the offset; only a member with new content is compressed anew. So
//! encrypted members, times, attributes and comments stay as they were. Only an archive that the directory describes to
//! the last byte is rebuilt.
//!
//! Why not the `zip` crate's raw copy: it knows members of equal name only once, and writes the
//! headers anew. It is the oracle in the tests. Limits: [`MAX_MEMBERS`]; not handled: what stands in
//! front of an archive (self-extracting programs), more than 4 GiB.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::Range;

use unpack::formats::zip::{Entry, Layout, layout};

use crate::DisarmError;
use crate::remove::{Change, Changes};

/// Most members that remain: what the end record can count without zip64.
const MAX_MEMBERS: usize = 65_534;
/// Begins a local header.
const LOCAL_MAGIC: &[u8] = b"PK\x03\x04";
/// Begins a data descriptor; may be left out.
const DESCRIPTOR_MAGIC: &[u8] = b"PK\x07\x08";
/// Length of the end record without its comment, in bytes.
const END_LEN: usize = 22;
/// Length of a zip64 end record with its locator, in bytes.
const END64_LEN: usize = 76;
/// Where the offset stands in a central record.
const OFFSET_AT: usize = 42;

/// The archive `data` without the members whose numbers, as in [`unpack::Member::index`], are in
/// `remove`. Every other member stays byte for byte.
///
/// # Errors
/// As of [`edit`].
pub fn zip_without(data: &[u8], remove: &[u32]) -> Result<Vec<u8>, DisarmError> {
    edit(data, &remove.iter().map(|index| (*index, Change::Remove)).collect())
}

/// The archive `data` with some members removed or replaced. Every other member stays byte for byte.
///
/// # Errors
/// Refused when nothing but folders would remain, when a number is not in the directory, and when the
/// archive holds anything that would not be carried over as it is: damage, headers that contradict
/// each other, members or other bytes that the directory does not tell of.
pub(crate) fn edit(data: &[u8], changes: &Changes) -> Result<Vec<u8>, DisarmError> {
    let layout = layout(data).ok_or(DisarmError::NotSound)?;
    if changes.is_empty() {
        return Err(DisarmError::NothingToRemove);
    }
    let listed: BTreeSet<u32> = layout.entries.iter().map(|entry| entry.index).collect();
    if let Some(unknown) = changes.keys().find(|index| !listed.contains(index)) {
        return Err(DisarmError::UnknownMember(*unknown));
    }
    let pieces = pieces(data, &layout)?;
    let kept = |entry: &&Entry| !matches!(changes.get(&entry.index), Some(Change::Remove));
    if layout.entries.iter().filter(kept).all(|entry| entry.folder) {
        return Err(DisarmError::NothingLeft);
    }
    let mut out = Vec::new();
    let mut records = Vec::new();
    let mut count = 0_usize;
    for (entry, piece) in layout.entries.iter().zip(pieces) {
        match changes.get(&entry.index) {
            Some(Change::Remove) => continue,
            Some(Change::Content { bytes, suffix }) => {
                records.extend(renewed(data, entry, bytes, suffix, &mut out)?);
            }
            None => {
                records.extend(record(data, entry, out.len())?);
                out.extend_from_slice(part(data, piece)?);
            }
        }
        count = count.saturating_add(1);
    }
    end(&mut out, &records, count, part(data, layout.comment)?)?;
    Ok(out)
}

/// A new archive of these members, by name and content.
///
/// # Errors
/// [`DisarmError::TooLarge`], [`DisarmError::NothingLeft`].
pub(crate) fn write(members: &[(String, &[u8])]) -> Result<Vec<u8>, DisarmError> {
    if members.is_empty() {
        return Err(DisarmError::NothingLeft);
    }
    let (mut out, mut records) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let head = Head { name: name.as_bytes(), utf8: true, time: [0, 0, 0x21, 0], made: [20, 0], attributes: [0; 8] };
        records.extend(add(&head, content, &mut out)?);
    }
    end(&mut out, &records, members.len(), b"")?;
    Ok(out)
}

/// What a header says beside sizes.
struct Head<'a> {
    name: &'a [u8],
    utf8: bool,
    /// Time and date as DOS has them.
    time: [u8; 4],
    /// Version and system of the writer.
    made: [u8; 2],
    /// Disk, internal and external attributes.
    attributes: [u8; 8],
}

/// Writes a member again, with other content: its name, time and attributes stay, extra fields and its
/// comment do not.
fn renewed(data: &[u8], entry: &Entry, bytes: &[u8], suffix: &str, out: &mut Vec<u8>) -> Result<Vec<u8>, DisarmError> {
    let central = part(data, entry.central.clone())?;
    let field = |at: usize, len: usize| central.get(at..at.saturating_add(len)).ok_or(DisarmError::NotSound);
    let flags = field(8, 2)?;
    let len = usize::from(u16::from_le_bytes(field(28, 2)?.try_into().unwrap_or_default()));
    let name = [field(46, len)?, suffix.as_bytes()].concat();
    let head = Head {
        name: &name,
        utf8: flags.get(1).is_some_and(|high| high & 8 != 0),
        time: field(12, 4)?.try_into().unwrap_or_default(),
        made: field(4, 2)?.try_into().unwrap_or_default(),
        attributes: field(34, 8)?.try_into().unwrap_or_default(),
    };
    add(&head, bytes, out)
}

/// Writes a local header with its data; gives the central record.
fn add(head: &Head<'_>, content: &[u8], out: &mut Vec<u8>) -> Result<Vec<u8>, DisarmError> {
    let small = |value: usize| u32::try_from(value).ok().filter(|value| *value < u32::MAX).ok_or(DisarmError::TooLarge);
    let offset = small(out.len())?;
    let deflated = deflate(content)?;
    let (method, packed): (u16, &[u8]) = if deflated.len() < content.len() { (8, &deflated) } else { (0, content) };
    let name_len = u16::try_from(head.name.len()).map_err(|_| DisarmError::TooLarge)?;
    let mut fields = vec![20, 0, 0, if head.utf8 { 8 } else { 0 }];
    fields.extend(method.to_le_bytes());
    fields.extend(head.time);
    fields.extend(crc32fast::hash(content).to_le_bytes());
    fields.extend(small(packed.len())?.to_le_bytes());
    fields.extend(small(content.len())?.to_le_bytes());
    fields.extend(name_len.to_le_bytes());
    fields.extend([0, 0]);
    out.extend_from_slice(LOCAL_MAGIC);
    out.extend_from_slice(&fields);
    out.extend_from_slice(head.name);
    out.extend_from_slice(packed);
    let offset = offset.to_le_bytes();
    Ok([b"PK\x01\x02", &head.made[..], &fields, &[0, 0], &head.attributes, &offset, head.name].concat())
}

fn deflate(content: &[u8]) -> Result<Vec<u8>, DisarmError> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).and_then(|()| encoder.finish()).map_err(|_| DisarmError::TooLarge)
}

/// What each member takes up, in the directory's order; together with the directory and the end
/// record this is all there is.
fn pieces(data: &[u8], layout: &Layout) -> Result<Vec<Range<usize>>, DisarmError> {
    let mut order: Vec<(usize, &Entry)> = layout.entries.iter().enumerate().collect();
    order.sort_by_key(|(_, entry)| entry.local.start);
    let mut pieces = vec![0..0; order.len()];
    let mut next = order.iter().map(|(_, entry)| entry.local.start).skip(1).collect::<Vec<_>>().into_iter();
    let mut at = 0;
    for (place, entry) in &order {
        let end = next.next().unwrap_or(layout.directory.start);
        let rest = data.get(entry.data.end..end).ok_or(DisarmError::Unlisted)?;
        let told = if entry.streamed { is_descriptor(rest, entry) } else { rest.is_empty() };
        if entry.local.start != at || !told {
            return Err(DisarmError::Unlisted);
        }
        if let Some(piece) = pieces.get_mut(*place) {
            *piece = at..end;
        }
        at = end;
    }
    let comment = part(data, layout.comment.clone())?;
    let tail = layout.tail.len().saturating_sub(comment.len());
    let whole = at == layout.directory.start
        && layout.directory.end == layout.tail.start
        && layout.tail.end == data.len()
        && (tail == END_LEN || tail == END_LEN.saturating_add(END64_LEN))
        && !comment.windows(LOCAL_MAGIC.len()).any(|window| window == LOCAL_MAGIC);
    if whole { Ok(pieces) } else { Err(DisarmError::Unlisted) }
}

/// Whether these bytes are just the descriptor of a member: with or without its magic, with sizes of
/// four or eight bytes.
fn is_descriptor(bytes: &[u8], entry: &Entry) -> bool {
    let packed = entry.data.len() as u64;
    let crc = entry.crc.to_le_bytes();
    let long = [&crc[..], &packed.to_le_bytes(), &entry.size.to_le_bytes()].concat();
    let short = [&crc[..], &(packed as u32).to_le_bytes(), &(entry.size as u32).to_le_bytes()].concat();
    [long, short].iter().any(|plain| bytes == plain || bytes.strip_prefix(DESCRIPTOR_MAGIC) == Some(plain))
}

/// A member's central record, for a local header at `offset`.
fn record(data: &[u8], entry: &Entry, offset: usize) -> Result<Vec<u8>, DisarmError> {
    let offset = u32::try_from(offset).ok().filter(|&offset| offset < u32::MAX).ok_or(DisarmError::TooLarge)?;
    let mut record = part(data, entry.central.clone())?.to_vec();
    let (at, bytes) = match entry.offset64 {
        Some(place) => (place.saturating_sub(entry.central.start), u64::from(offset).to_le_bytes().to_vec()),
        None => (OFFSET_AT, offset.to_le_bytes().to_vec()),
    };
    let field = record.get_mut(at..at.saturating_add(bytes.len())).ok_or(DisarmError::NotSound)?;
    field.copy_from_slice(&bytes);
    Ok(record)
}

/// Adds the directory and the end record.
fn end(out: &mut Vec<u8>, records: &[u8], count: usize, comment: &[u8]) -> Result<(), DisarmError> {
    let small = |value: usize| u32::try_from(value).ok().filter(|&value| value < u32::MAX).ok_or(DisarmError::TooLarge);
    let (start, size) = (small(out.len())?, small(records.len())?);
    if count > MAX_MEMBERS {
        return Err(DisarmError::TooLarge);
    }
    let count = u16::try_from(count).map_err(|_| DisarmError::TooLarge)?.to_le_bytes();
    let comment_len = u16::try_from(comment.len()).map_err(|_| DisarmError::TooLarge)?.to_le_bytes();
    out.extend_from_slice(records);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    for field in [&count[..], &count, &size.to_le_bytes(), &start.to_le_bytes(), &comment_len, comment] {
        out.extend_from_slice(field);
    }
    Ok(())
}

fn part(data: &[u8], range: Range<usize>) -> Result<&[u8], DisarmError> {
    data.get(range).ok_or(DisarmError::NotSound)
}
