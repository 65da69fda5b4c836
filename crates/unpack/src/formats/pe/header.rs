//! The headers of a Windows program, read as leniently as Windows does (PE/COFF 11.0).
//!
//! Limits: [`MAX_SECTIONS`]. Not handled: 16-bit programs, and what only the loader checks.

use std::ops::Range;

use crate::bytes::{between, le16, le32, take};

/// Most sections that are looked at; Windows allows 96.
const MAX_SECTIONS: usize = 96;
/// Length of an entry of the section table, in bytes.
const SECTION: usize = 40;

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Up to eight bytes, without the NULs at its end.
    pub(super) name: Vec<u8>,
    /// Where it stands in memory, from the image's base, and how large it is there.
    pub(super) address: usize,
    pub(super) size: usize,
    /// Where its bytes stand in the file.
    pub(super) raw: Range<usize>,
}

/// A program.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// Addresses have 64 bits.
    pub(super) wide: bool,
    /// Where it starts to run, from the image's base.
    pub(super) entry: usize,
    pub(super) base: u64,
    pub(super) sections: Vec<Section>,
    /// The first address and the size of the tables of resources and of certificates; the latter's
    /// address is a place in the file.
    pub(super) resources: (usize, usize),
    pub(super) certificates: (usize, usize),
    /// Where the section table ends.
    pub(super) headers_end: usize,
}

impl Program {
    /// The headers at the start of `data`; `None` if this is no program for Windows.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        if take(data, 0, 2) != Some(b"MZ") {
            return None;
        }
        let header = le32(data, 60)? as usize;
        if take(data, header, 4) != Some(b"PE\0\0") {
            return None;
        }
        let at = |offset: usize| header.saturating_add(offset);
        let count = usize::from(le16(data, at(6))?);
        let optional = usize::from(le16(data, at(20))?);
        let wide = match le16(data, at(24))? {
            0x10b => false,
            0x20b => true,
            _ => return None,
        };
        let directories = if wide { at(136) } else { at(120) };
        let directory = |number: usize| {
            let place = directories.saturating_add(number.saturating_mul(8));
            (number_at(data, place), number_at(data, place.saturating_add(4)))
        };
        let base = if wide {
            u64::from(le32(data, at(52))?) << 32 | u64::from(le32(data, at(48))?)
        } else {
            u64::from(le32(data, at(52))?)
        };
        let table = at(24).saturating_add(optional);
        let sections: Vec<Section> = (0..count.min(MAX_SECTIONS))
            .map_while(|index| section(data, table.saturating_add(index.saturating_mul(SECTION))))
            .collect();
        let headers_end = table.saturating_add(sections.len().saturating_mul(SECTION));
        Some(Self {
            wide,
            entry: number_at(data, at(40)),
            base,
            sections,
            resources: directory(2),
            certificates: directory(4),
            headers_end,
        })
    }

    /// Where an address stands in the file.
    pub(super) fn place(&self, address: usize) -> Option<usize> {
        // In front of the first section the file's beginning stands in memory.
        let first = self.sections.iter().map(|section| section.address).min();
        if first.is_some_and(|first| address < first) {
            return Some(address);
        }
        self.sections.iter().find_map(|section| {
            let place = section.raw.start.saturating_add(address.checked_sub(section.address)?);
            (place < section.raw.end).then_some(place)
        })
    }

    /// Where an absolute address stands in the file.
    pub(super) fn absolute(&self, address: u64) -> Option<usize> {
        self.place(usize::try_from(address.checked_sub(self.base)?).ok()?)
    }

    /// The bytes where it starts to run.
    pub(super) fn code<'a>(&self, data: &'a [u8], size: usize) -> &'a [u8] {
        self.place(self.entry).map_or(&[], |at| between(data, at, at.saturating_add(size)))
    }

    /// Where the last section ends in the file.
    pub(super) fn end(&self, data: &[u8]) -> usize {
        let ends = self.sections.iter().filter(|section| !section.raw.is_empty()).map(|section| section.raw.end);
        ends.max().unwrap_or(self.headers_end).max(self.headers_end).min(data.len())
    }
}

fn number_at(data: &[u8], at: usize) -> usize {
    le32(data, at).unwrap_or(0) as usize
}

fn section(data: &[u8], at: usize) -> Option<Section> {
    let entry = take(data, at, SECTION)?;
    let name = between(entry, 0, 8);
    let end = name.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    // The loader rounds the place down.
    let start = number_at(entry, 20) & !0x1ff;
    let raw = start.min(data.len())..start.saturating_add(number_at(entry, 16)).min(data.len());
    Some(Section {
        name: between(name, 0, end).to_vec(),
        address: number_at(entry, 12),
        size: number_at(entry, 8),
        raw,
    })
}
