//! Where programs end that are not for Windows: for DOS, by the pages of its header; ELF, by its tables of segments
//! and sections. What is behind is a file of its own.
//!
//! Not handled: 16-bit programs for Windows and OS/2 (NE, LE, LX): their header for DOS tells of the stub only.

use mail::evidence::FileKind;

use crate::bytes::{le16, le32, take};

/// Length of a page of a DOS program, in bytes.
const PAGE: usize = 512;
/// Shortest header of a DOS program, in bytes.
const DOS_HEAD: usize = 28;
/// The type of a section that has no bytes in the file.
const NOBITS: u64 = 8;

/// Where a program ends by its headers, where something is behind.
pub(super) fn end(kind: FileKind, data: &[u8]) -> Option<usize> {
    let end = match kind {
        FileKind::Pe => dos(data),
        FileKind::Elf => elf(data),
        _ => None,
    };
    end.filter(|end| *end < data.len())
}

fn dos(data: &[u8]) -> Option<usize> {
    let number = |at: usize| le16(data, at).map(usize::from);
    let header = le32(data, 60).and_then(|at| take(data, usize::try_from(at).ok()?, 2));
    if header.is_some_and(|magic| [&b"NE"[..], b"LE", b"LX"].contains(&magic)) {
        return None;
    }
    let (last, pages) = (number(2)?, number(4)?);
    let end = match last {
        0 => pages.checked_mul(PAGE)?,
        1..PAGE => pages.checked_sub(1)?.checked_mul(PAGE)?.checked_add(last)?,
        _ => return None,
    };
    (end >= DOS_HEAD).then_some(end)
}

/// How numbers are written in an ELF file.
struct Elf<'a> {
    data: &'a [u8],
    big: bool,
}

impl Elf<'_> {
    /// A number of `len` bytes, at most eight.
    fn number(&self, at: usize, len: usize) -> Option<u64> {
        let bytes = take(self.data, at, len)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }

    /// The ends of what a table tells of, and its own. `table`: where the table stands, how long an entry is and how
    /// many there are; `fields`: where an entry has offset and size, how long they are, and where its type stands.
    fn table(&self, table: (usize, usize, usize), fields: (usize, usize, usize, usize), skipped: Option<u64>) -> u64 {
        let (start, size, count) = table;
        let (offset, length, width, kind) = fields;
        let mut end = start.saturating_add(size.saturating_mul(count)) as u64;
        if start == 0 || size == 0 {
            return 0;
        }
        for number in 0..count {
            let at = start.saturating_add(number.saturating_mul(size));
            let field = |from: usize, len: usize| self.number(at.saturating_add(from), len);
            let (Some(from), Some(len)) = (field(offset, width), field(length, width)) else { break };
            if field(kind, 4) != skipped || skipped.is_none() {
                end = end.max(from.saturating_add(len));
            }
        }
        end
    }
}

fn elf(data: &[u8]) -> Option<usize> {
    let wide = match data.get(4)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let elf = Elf { data, big: data.get(5) == Some(&2) };
    let number = |at: usize, len: usize| usize::try_from(elf.number(at, len)?).ok();
    let (segments, sections) = if wide {
        (
            elf.table((number(32, 8)?, number(54, 2)?, number(56, 2)?), (8, 32, 8, 0), None),
            elf.table((number(40, 8)?, number(58, 2)?, number(60, 2)?), (24, 32, 8, 4), Some(NOBITS)),
        )
    } else {
        (
            elf.table((number(28, 4)?, number(42, 2)?, number(44, 2)?), (4, 16, 4, 0), None),
            elf.table((number(32, 4)?, number(46, 2)?, number(48, 2)?), (16, 20, 4, 4), Some(NOBITS)),
        )
    };
    usize::try_from(segments.max(sections)).ok().filter(|end| *end > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_where_the_headers_say() {
        let mut dos = b"MZ\x10\0\x02\0".to_vec();
        dos.resize(0x1000, 0);
        assert_eq!(end(FileKind::Pe, &dos), Some(512 + 16));
        dos[2..6].copy_from_slice(&[0, 0, 2, 0]);
        assert_eq!(end(FileKind::Pe, &dos), Some(1024));
        dos[60] = 64;
        dos[64..66].copy_from_slice(b"NE");
        assert_eq!(end(FileKind::Pe, &dos), None);

        // One segment from 64 on, and one section that has no bytes in the file.
        for big in [false, true] {
            let write = |file: &mut Vec<u8>, at: usize, len: usize, value: u64| {
                let mut bytes = value.to_le_bytes()[..len].to_vec();
                if big {
                    bytes.reverse();
                }
                file[at..at + len].copy_from_slice(&bytes);
            };
            let mut file = b"\x7fELF\x02".to_vec();
            file.push(if big { 2 } else { 1 });
            file.resize(1000, 0);
            let fields = [(32, 8, 64), (54, 2, 56), (56, 2, 1), (40, 8, 300), (58, 2, 64), (60, 2, 2)];
            let segment = [(64 + 8, 8, 64), (64 + 32, 8, 136)];
            let sections = [(300 + 24, 8, 200), (300 + 32, 8, 90), (364 + 4, 4, NOBITS), (364 + 32, 8, 900)];
            for (at, len, value) in fields.into_iter().chain(segment).chain(sections) {
                write(&mut file, at, len, value);
            }
            assert_eq!(end(FileKind::Elf, &file), Some(428), "behind the table of sections");
            assert_eq!(end(FileKind::Elf, &file[..428]), None);
        }
    }
}
