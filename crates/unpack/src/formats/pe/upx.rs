//! Programs packed by UPX, for Windows and ELF: NRV2B, NRV2D, NRV2E, LZMA and Deflate, with the filters for
//! x86 undone.
//!
//! Limits: [`MAX_PLACES`] that look like its header, [`MAX_BLOCKS`] of an ELF file, and those of the
//! window. Where the header was taken out, the methods are tried on what the program's code reads. Not
//! handled: the other formats that UPX packs, and filters for other processors: calls in the code then
//! stand as they are packed. Imports and relocations are left as UPX stores them.

use super::header::Program;
use super::image::{Piece, build};
use super::nrv::{self, Variant, Word};
use super::window::{Failure, Window};
use crate::budget::{Budget, Meter};
use crate::bytes::{be32, between, le16, le32, take};
use crate::decode::{End, Method, decode};

/// Starts its headers.
const MAGIC: &[u8] = b"UPX!";
/// Most places that are tried.
const MAX_PLACES: usize = 32;
/// Most blocks of an ELF file.
const MAX_BLOCKS: usize = 4096;
/// A program that was unpacked by guessing is believed from this size on, in bytes.
const LEAST_GUESSED: usize = 1024;

/// What the header says.
struct Header {
    method: u8,
    unpacked: usize,
    packed: usize,
    filter: u8,
    escape: u8,
    /// Where the packed bytes begin.
    at: usize,
}

impl Header {
    /// The header of a program for Windows.
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let head = take(data, at, 32)?;
        let byte = |at: usize| head.get(at).copied();
        let header = Self {
            method: byte(6)?,
            unpacked: le32(head, 16)? as usize,
            packed: le32(head, 20)? as usize,
            filter: byte(28)?,
            escape: byte(29)?,
            at: at.saturating_add(32),
        };
        let fits = header.packed > 0 && header.at.checked_add(header.packed)? <= data.len() && header.unpacked > 4;
        (fits && matches!(header.method, 2..=10 | 14 | 15)).then_some(header)
    }
}

/// Decompresses one stream behind what the window has.
fn unpack(method: u8, data: &[u8], size: usize, window: &mut Window<'_>) -> Result<(), Failure> {
    let (variant, word) = match method {
        2 | 5 | 8 => (method, Word::Le32),
        3 | 6 | 9 => (method.saturating_sub(1), Word::Byte),
        4 | 7 | 10 => (method.saturating_sub(2), Word::Le16),
        _ => return other(method, data, size, window),
    };
    let variant = match variant {
        2 => Variant::B,
        5 => Variant::D,
        _ => Variant::E,
    };
    nrv::decompress(variant, word, data, size, window)
}

/// LZMA, with two bytes of properties in front, and Deflate.
fn other(method: u8, data: &[u8], size: usize, window: &mut Window<'_>) -> Result<(), Failure> {
    let (method, data) = match (method, data) {
        (14, [first, second, rest @ ..]) => {
            let (position, literal, context) = (first & 7, second >> 4, second & 0xf);
            let properties =
                position.saturating_mul(5).saturating_add(literal).saturating_mul(9).saturating_add(context);
            let dictionary = u32::try_from(size).map_err(|_| Failure::Broken)?;
            (Method::RawLzma { properties, dictionary, size: Some(size as u64) }, rest)
        }
        (15, rest) => (Method::Deflate, rest),
        _ => return Err(Failure::Broken),
    };
    let decoded = decode(method, data, window.budget, window.meter);
    window.content.extend_from_slice(&decoded.content);
    match decoded.end {
        End::Limit(limit) => Err(Failure::Limit(limit)),
        End::Complete => Ok(()),
        _ => Err(Failure::Broken),
    }
}

/// Unpacks a program for Windows; `None` if it is not packed by UPX.
pub(super) fn windows(
    data: &[u8],
    program: &Program,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Option<Result<Vec<u8>, Failure>> {
    let mut result = None;
    for at in memchr::memmem::find_iter(data, MAGIC).take(MAX_PLACES) {
        let Some(header) = Header::read(data, at) else { continue };
        let mut window = Window::new(budget, meter);
        let packed = between(data, header.at, header.at.saturating_add(header.packed));
        let ended = unpack(header.method, packed, header.unpacked, &mut window);
        let content = std::mem::take(&mut window.content);
        match ended {
            Ok(()) => return Some(Ok(rebuild(program, content, header.filter, header.escape))),
            Err(failure @ Failure::Limit(_)) => return Some(Err(failure)),
            Err(Failure::Broken) => result = Some(Err(Failure::Broken)),
        }
    }
    guess(data, program, budget, meter).or(result)
}

/// Where the header is gone: tries the methods at the place that the program's code reads from.
fn guess(data: &[u8], program: &Program, budget: &mut Budget, meter: &mut Meter) -> Option<Result<Vec<u8>, Failure>> {
    let code = program.code(data, 16);
    // Save all registers, load the source's address, compute the destination's.
    if program.wide
        || code.first() != Some(&0x60)
        || code.get(1) != Some(&0xbe)
        || take(code, 6, 2) != Some(b"\x8d\xbe")
    {
        return None;
    }
    let start = program.absolute(u64::from(le32(code, 2)?))?;
    let packed = between(data, start, program.end(data));
    let room = program.sections.first()?.size.saturating_add(program.sections.get(1)?.size);
    for method in [2, 8, 5, 3, 9, 6] {
        let mut window = Window::new(budget, meter);
        let ended = unpack(method, packed, room, &mut window);
        let content = std::mem::take(&mut window.content);
        match ended {
            Ok(()) if content.len() >= LEAST_GUESSED => return Some(Ok(rebuild(program, content, 0, 0))),
            Err(failure @ Failure::Limit(_)) => return Some(Err(failure)),
            _ => {}
        }
    }
    None
}

/// Puts the program together: by the original headers, which UPX keeps behind the content, or in one
/// piece.
fn rebuild(program: &Program, mut content: Vec<u8>, filter: u8, escape: u8) -> Vec<u8> {
    let first = program.sections.first().map_or(0x1000, |section| section.address);
    let place = content.len().checked_sub(4).and_then(|at| le32(&content, at)).unwrap_or(0) as usize;
    let old = between(&content, place, content.len()).to_vec();
    if !old.starts_with(b"PE\0\0") {
        return build(program, first, vec![Piece { address: first, content }]);
    }
    let number = |at: usize| le32(&old, at).unwrap_or(0) as usize;
    let code = number(44).saturating_sub(first);
    if let Some(code) = content.get_mut(code..code.saturating_add(number(28)).min(place)) {
        undo(filter, escape, number(44).saturating_sub(first), code);
    }
    let count = usize::from(le16(&old, 6).unwrap_or(0)).min(96);
    let table = if program.wide { 264_usize } else { 248 };
    let mut pieces = Vec::new();
    for entry in (0..count).map(|index| table.saturating_add(index.saturating_mul(40))) {
        let (address, size) = (number(entry.saturating_add(12)), number(entry.saturating_add(16)));
        let start = address.saturating_sub(first);
        let piece = between(&content, start, start.saturating_add(size).min(place));
        pieces.push(Piece { address, content: piece.to_vec() });
    }
    build(program, number(40), pieces)
}

/// Unpacks an ELF file; `None` if it is not packed by UPX.
pub(crate) fn elf(data: &[u8], budget: &mut Budget, meter: &mut Meter) -> Option<Result<Vec<u8>, Failure>> {
    // The file says which end of a number comes first.
    let number = if data.get(5) == Some(&2) { be32 } else { le32 };
    let mut result = None;
    for at in memchr::memmem::find_iter(between(data, 0, 4096), MAGIC).take(MAX_PLACES) {
        let size = number(data, at.saturating_add(12))? as usize;
        let mut window = Window::new(budget, meter);
        let ended = blocks(data, at.saturating_add(20), number, size, &mut window);
        let content = std::mem::take(&mut window.content);
        match ended {
            Err(failure @ Failure::Limit(_)) => return Some(Err(failure)),
            _ if content.starts_with(b"\x7fELF") => return Some(Ok(content)),
            _ => result = Some(Err(Failure::Broken)),
        }
    }
    result
}

/// The blocks of an ELF file, one behind the other.
fn blocks(
    data: &[u8],
    mut at: usize,
    number: fn(&[u8], usize) -> Option<u32>,
    size: usize,
    window: &mut Window<'_>,
) -> Result<(), Failure> {
    for _ in 0..MAX_BLOCKS {
        let (Some(unpacked), Some(packed)) = (number(data, at), number(data, at.saturating_add(4))) else { break };
        let (unpacked, packed) = (unpacked as usize, packed as usize);
        let method = take(data, at.saturating_add(8), 4).ok_or(Failure::Broken)?;
        let [method, filter, escape, _] = *method else { break };
        if unpacked == 0 || packed > unpacked || window.content.len() >= size {
            break;
        }
        let start = at.saturating_add(12);
        at = start.saturating_add(packed);
        let bytes = take(data, start, packed).ok_or(Failure::Broken)?;
        let before = window.content.len();
        if packed == unpacked {
            window.content.extend_from_slice(bytes);
            window.count(at)?;
        } else {
            unpack(method, bytes, unpacked, window)?;
        }
        if let Some(block) = window.content.get_mut(before..) {
            undo(filter, escape, 0, block);
        }
    }
    Ok(())
}

/// Undoes a filter: the targets of calls and jumps are places in the code, and become distances again.
/// `first`: what is added to places.
fn undo(filter: u8, escape: u8, first: usize, code: &mut [u8]) {
    let (calls, jumps, branches) = match filter {
        0x11 | 0x14 | 0x24 => (true, false, false),
        0x12 | 0x15 | 0x25 => (false, true, false),
        0x13 | 0x16 | 0x26 | 0x36 | 0x46 => (true, true, false),
        0x49 => (true, true, true),
        _ => return,
    };
    let little = filter <= 0x13;
    let escaped = filter >= 0x24;
    let (mut at, mut before) = (0_usize, usize::MAX);
    while at.saturating_add(5) < code.len() {
        let byte = code.get(at).copied().unwrap_or(0);
        let near = at.checked_sub(1).and_then(|at| code.get(at)) == Some(&0x0f) && before != at;
        let jumps_here = match byte {
            0xe8 => calls,
            0xe9 => jumps,
            0x80..=0x8f => branches && near,
            _ => false,
        };
        let here = at;
        at = at.saturating_add(1);
        let Some(place) = code.get_mut(at..at.saturating_add(4)) else { break };
        if !jumps_here || escaped && place.first() != Some(&escape) {
            continue;
        }
        let Ok(mut bytes) = <[u8; 4]>::try_from(&*place) else { break };
        if escaped {
            bytes = (u32::from_be_bytes(bytes) & 0x00ff_ffff).to_be_bytes();
        }
        let target = if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        let distance = target.wrapping_sub(here as u32).wrapping_sub(1).wrapping_sub(first as u32);
        place.copy_from_slice(&distance.to_le_bytes());
        at = at.saturating_add(4);
        before = at;
    }
}
