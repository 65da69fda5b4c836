//! A tar archive without some of its members, or with other content in them (POSIX.1-2024, pax).
//!
//! Blocks of what remains are copied as they stand, with the extension headers in front of them. A
//! member is told by its number, as the reader counts: plain files in order. Not handled, and refused
//! where they are what changes: sparse files, sizes in a pax header.

use mail::evidence::FileKind;
use sha2::{Digest, Sha256};
use unpack::{Budget, Member, Opening};

use crate::DisarmError;
use crate::remove::{Change, Changes};

/// The unit of an archive, in bytes.
const BLOCK: usize = 512;
/// Where the name stands, in bytes of the header.
const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const SUM: std::ops::Range<usize> = 148..156;

/// One entry: extension headers, header and data.
struct Entry {
    /// Where its extension headers begin.
    start: usize,
    header: usize,
    size: usize,
    /// Behind its data, padding included.
    end: usize,
}

/// The archive with these changes.
///
/// # Errors
/// Refused where an entry cannot be told, or what changes is not a plain file.
pub(crate) fn edit(
    data: &[u8],
    members: &[Member],
    changes: &Changes,
    budget: &mut Budget,
) -> Result<Vec<u8>, DisarmError> {
    if members.iter().any(|member| member.hidden) {
        return Err(DisarmError::Unlisted);
    }
    if members.iter().all(|member| changes.get(&member.index) == Some(&Change::Remove)) {
        return Err(DisarmError::NothingLeft);
    }
    let sums = sums(data, changes, budget)?;
    let mut out = Vec::new();
    let mut left: Vec<(&u32, &Change)> = changes.iter().collect();
    left.reverse();
    let (mut at, mut copied) = (0, 0);
    while let Some(entry) = next(data, at)? {
        at = entry.end;
        let content = slice(data, entry.header.saturating_add(BLOCK), entry.size)?;
        let Some((index, change)) = left.last() else { continue };
        let sum = <[u8; 32]>::from(Sha256::digest(content));
        budget.burn(content.len() as u64).map_err(|_| DisarmError::Limit)?;
        if sums.iter().all(|(of, expected)| of != *index || *expected != sum) {
            continue;
        }
        out.extend_from_slice(data.get(copied..entry.start).ok_or(DisarmError::NotSound)?);
        if let Change::Content { bytes, suffix } = change {
            out.extend(renewed(data, &entry, bytes, suffix)?);
        }
        copied = entry.end;
        left.pop();
    }
    // Every change has to have found its place.
    if !left.is_empty() {
        return Err(DisarmError::NotSound);
    }
    out.extend_from_slice(data.get(copied..).ok_or(DisarmError::NotSound)?);
    Ok(out)
}

/// What the members that change hold, as the reader sees them.
fn sums(data: &[u8], changes: &Changes, budget: &mut Budget) -> Result<Vec<(u32, [u8; 32])>, DisarmError> {
    let Opening::Container(mut container) = unpack::open(FileKind::Tar, data, budget) else {
        return Err(DisarmError::NotSound);
    };
    let mut sums = Vec::new();
    while let Some(member) = container.next(data, budget) {
        if changes.contains_key(&member.index) {
            sums.push((member.index, Sha256::digest(&member.content).into()));
        }
    }
    Ok(sums)
}

/// The entry at a place; `None` at the end.
fn next(data: &[u8], start: usize) -> Result<Option<Entry>, DisarmError> {
    let mut header = start;
    loop {
        let Some(block) = data.get(header..header.saturating_add(BLOCK)) else { return Ok(None) };
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let size = block.get(SIZE).and_then(octal).ok_or(DisarmError::NotSound)?;
        let kind = block.get(156).copied().unwrap_or(0);
        let stored = if matches!(kind, b'1'..=b'6') { 0 } else { size };
        let padded = stored.checked_next_multiple_of(BLOCK).ok_or(DisarmError::NotSound)?;
        let end = header.saturating_add(BLOCK).saturating_add(padded);
        if header.saturating_add(BLOCK).saturating_add(stored) > data.len() {
            return Err(DisarmError::NotSound);
        }
        if !matches!(kind, b'L' | b'K' | b'x' | b'X' | b'g') {
            return Ok(Some(Entry { start, header, size: stored, end: end.min(data.len()) }));
        }
        let text = slice(data, header.saturating_add(BLOCK), stored)?;
        if matches!(kind, b'x' | b'X' | b'g') && text.windows(6).any(|window| window == b" size=") {
            return Err(DisarmError::Format);
        }
        header = end;
    }
}

/// A header with another size, and the data; the name in the header gets what is put behind it.
fn renewed(data: &[u8], entry: &Entry, bytes: &[u8], suffix: &str) -> Result<Vec<u8>, DisarmError> {
    if !suffix.is_empty() && entry.start != entry.header {
        return Err(DisarmError::Format);
    }
    let mut block = slice(data, entry.header, BLOCK)?.to_vec();
    let mut put = |range: std::ops::Range<usize>, text: &[u8]| match block.get_mut(range) {
        Some(field) if text.len() <= field.len() => {
            field.fill(0);
            field.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
            Ok(())
        }
        _ => Err(DisarmError::TooLarge),
    };
    if !suffix.is_empty() {
        let name = data.get(entry.header..).and_then(|rest| rest.get(NAME)).unwrap_or_default();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        put(NAME, &[name, suffix.as_bytes()].concat())?;
    }
    put(SIZE, format!("{:011o}\0", bytes.len()).as_bytes())?;
    put(SUM, b"        ")?;
    let sum = block.iter().fold(0_u32, |sum, byte| sum.saturating_add(u32::from(*byte)));
    let field = block.get_mut(SUM).ok_or(DisarmError::NotSound)?;
    field.iter_mut().zip(format!("{sum:06o}\0 ").bytes()).for_each(|(to, from)| *to = from);
    let mut out = slice(data, entry.start, entry.header.saturating_sub(entry.start))?.to_vec();
    out.extend(block);
    out.extend_from_slice(bytes);
    out.resize(out.len().checked_next_multiple_of(BLOCK).ok_or(DisarmError::TooLarge)?, 0);
    Ok(out)
}

fn octal(field: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { usize::from_str_radix(text, 8).ok() }
}

fn slice(data: &[u8], at: usize, len: usize) -> Result<&[u8], DisarmError> {
    data.get(at..at.saturating_add(len)).ok_or(DisarmError::NotSound)
}
