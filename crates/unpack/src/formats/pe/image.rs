//! A program put together again from what was unpacked: as much of its headers as tells where its
//! pieces stand in memory. Limit: [`MAX_SECTIONS`]; further pieces stand behind the end.

use super::header::Program;

/// Sections begin at multiples of this, in bytes.
const ALIGNMENT: usize = 0x200;
/// Most sections; Windows loads no more.
const MAX_SECTIONS: usize = 96;
/// Where the header stands.
const HEADER: usize = 64;

/// One piece of a program in memory.
pub(super) struct Piece {
    pub(super) address: usize,
    pub(super) content: Vec<u8>,
}

/// Writes a program of these pieces, in the order of their addresses.
pub(super) fn build(program: &Program, entry: usize, mut pieces: Vec<Piece>) -> Vec<u8> {
    pieces.retain(|piece| !piece.content.is_empty());
    pieces.sort_by_key(|piece| piece.address);
    let sections = pieces.len().min(MAX_SECTIONS);
    let mut out = b"MZ".to_vec();
    out.resize(60, 0);
    out.extend((HEADER as u32).to_le_bytes());
    out.extend(b"PE\0\0");
    out.extend(if program.wide { 0x8664_u16 } else { 0x14c }.to_le_bytes());
    out.extend((sections as u16).to_le_bytes());
    out.extend([0; 12]);
    let optional = if program.wide { 240_u16 } else { 224 };
    out.extend(optional.to_le_bytes());
    out.extend(0x0102_u16.to_le_bytes());
    let start = out.len();
    out.extend(if program.wide { 0x20b_u16 } else { 0x10b }.to_le_bytes());
    out.extend([0; 14]);
    out.extend((entry as u32).to_le_bytes());
    out.resize(start.saturating_add(if program.wide { 24 } else { 28 }), 0);
    let base = program.base.to_le_bytes();
    out.extend(base.iter().take(if program.wide { 8 } else { 4 }));
    out.extend(0x1000_u32.to_le_bytes());
    out.extend((ALIGNMENT as u32).to_le_bytes());
    out.resize(start.saturating_add(usize::from(optional)), 0);
    let table = out.len();
    let mut place = round(table.saturating_add(sections.saturating_mul(40)));
    for piece in pieces.iter().take(sections) {
        let size = piece.content.len();
        out.extend(b".text\0\0\0");
        for number in [size, piece.address, round(size), place] {
            out.extend((number as u32).to_le_bytes());
        }
        out.extend([0; 12]);
        out.extend(0xe000_0020_u32.to_le_bytes());
        place = place.saturating_add(round(size));
    }
    for piece in pieces {
        out.resize(round(out.len()), 0);
        out.extend_from_slice(&piece.content);
    }
    out.resize(round(out.len()), 0);
    out
}

fn round(size: usize) -> usize {
    size.checked_next_multiple_of(ALIGNMENT).unwrap_or(size)
}
