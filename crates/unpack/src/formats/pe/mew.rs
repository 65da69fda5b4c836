//! MEW 11: blocks by aPLib's method, and behind them, where its user chose so, the sections by LZMA.
//!
//! A table tells where the program starts and where the first block goes; behind each block stands where the next
//! one goes, and 0 behind the last. Without LZMA the stub goes on with the imports. With it, it calls a decoder that
//! stands in the same section, and what the decoder reads stands behind that 0, in one of two forms:
//! - the address of the decoder's memory, then any number of streams, and 0;
//! - how many bytes of code were prepared, the address of its memory, and one stream: with calls and jumps that tell
//!   places instead of distances.
//!
//! A stream is its unpacked size, where it goes, its packed size, a byte that means nothing, and LZMA with always the
//! same parameters ([`PROPERTIES`]). The packed size only tells where the next one stands: the decoder does not ask it.
//!
//! Limits: [`MAX_BLOCKS`], [`MAX_STREAMS`], all blocks and all streams [`MAX_IMAGE`] each, and those of the window. What was
//! unpacked up to the place where it ends early is given. Not handled: what follows where the stub was
//! changed behind the loop over the blocks, which is told as packed, and versions before 11: these are told as packed
//! where a section bears the packer's name.

use super::aplib;
use super::header::Program;
use super::image::{Piece, build};
use super::packers::{CODE, Unpacked, relative};
use super::window::{Failure, MAX_IMAGE, Window};
use crate::budget::{Budget, Limit, Meter};
use crate::bytes::{between, le32, take};
use crate::decode::{End, Method, decode};

/// Most blocks of a program.
const MAX_BLOCKS: usize = 4096;
/// Most streams of a program.
const MAX_STREAMS: usize = 96;
/// What the stub does first, behind the table's address.
const LOADS: &[u8] = b"\x8b\xde\xad\xad\x50\xad\x97\xb2\x80\xa4";
/// Where in the stub the loop over the blocks is done, and what it does there without LZMA: it goes through the imports.
const BEHIND_LOOP: usize = 0x7b;
const IMPORTS: &[u8] = b"\xad\x96\xad\x97";
/// What it does there with LZMA: calls the decoder, so far from the end of the instruction.
const CALL: u8 = 0xe8;
const CALL_SIZE: usize = 5;
/// Where the decoder differs that undoes the change of calls and jumps, and what it does there: keeps the size.
const FORM: usize = 8;
const KEEPS_SIZE: u8 = 0x50;
/// LZMA's byte of properties: four bits of the byte in front, two bits of the position.
const PROPERTIES: u8 = (2 * 5) * 9 + 4;
/// Length of what stands in front of a stream, in bytes.
const HEAD: usize = 13;

/// How a program is to be unpacked.
struct Plan {
    /// Where the packed bytes stand in the file.
    source: usize,
    /// Where they go, from the image's base.
    target: usize,
    /// Where the program starts.
    entry: usize,
    then: Then,
}

/// What the stub does behind the blocks.
#[derive(Clone, Copy)]
enum Then {
    /// Nothing more that is packed.
    Imports,
    /// It calls a decoder of LZMA, at this address.
    Lzma(usize),
    /// That is not known.
    Unknown,
}

/// What the decoder of LZMA reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Streams,
    Prepared,
}

/// Unpacks a program; `None` if it is none of MEW.
pub(super) fn unpack(data: &[u8], program: &Program, budget: &mut Budget, meter: &mut Meter) -> Option<Unpacked> {
    let plan = plan(data, program)?;
    let mut pieces = Vec::new();
    let ended = blocks(data, program, &plan, &mut pieces, budget, meter);
    let ended = ended.and_then(|at| match plan.then {
        Then::Imports => Ok(()),
        Then::Lzma(decoder) => sections(data, program, (at, decoder), &mut pieces, budget, meter),
        Then::Unknown => Err(Failure::Broken),
    });
    let content = (!pieces.is_empty()).then(|| build(program, plan.entry, pieces));
    Some(Unpacked { content, failure: ended.err() })
}

/// A jump to code in the headers that loads a table's address and goes through it.
fn plan(data: &[u8], program: &Program) -> Option<Plan> {
    let mut stub = program.entry;
    let code = program.code(data, CODE);
    if code.first() == Some(&0xe9) {
        stub = far(program.entry, CALL_SIZE, le32(code, 1)?)?;
    }
    let at = program.place(stub)?;
    let code = between(data, at, data.len());
    if code.first() != Some(&0xbe) || take(code, 5, LOADS.len()) != Some(LOADS) {
        return None;
    }
    let then = match code.get(BEHIND_LOOP) {
        Some(&CALL) => {
            let distance = le32(code, BEHIND_LOOP.saturating_add(1));
            let from = BEHIND_LOOP.saturating_add(CALL_SIZE);
            distance.and_then(|distance| far(stub, from, distance)).map_or(Then::Unknown, Then::Lzma)
        }
        _ if take(code, BEHIND_LOOP, IMPORTS.len()) == Some(IMPORTS) => Then::Imports,
        _ => Then::Unknown,
    };
    let table = program.absolute(u64::from(le32(code, 1)?))?;
    Some(Plan {
        source: table.checked_add(12)?,
        target: relative(program, le32(data, table.checked_add(8)?)?)?,
        entry: relative(program, le32(data, table.checked_add(4)?)?)?,
        then,
    })
}

/// Where a jump or call leads, by its distance from the instruction's end.
fn far(address: usize, end: usize, distance: u32) -> Option<usize> {
    let from = i64::try_from(address.checked_add(end)?).ok()?;
    usize::try_from(from.checked_add(i64::from(distance as i32))?).ok()
}

/// Unpacks the blocks; what stands behind them begins there.
fn blocks(
    data: &[u8],
    program: &Program,
    plan: &Plan,
    pieces: &mut Vec<Piece>,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Result<usize, Failure> {
    let (mut at, mut address, mut left) = (plan.source, plan.target, MAX_IMAGE);
    for _ in 0..MAX_BLOCKS {
        let mut window = Window::new(budget, meter);
        let ended = aplib::decompress(data, at, &mut window);
        let content = std::mem::take(&mut window.content);
        left = left.checked_sub(content.len()).ok_or(Failure::Limit(Limit::Bytes))?;
        pieces.push(Piece { address, content });
        at = ended?;
        let next = le32(data, at).ok_or(Failure::Broken)?;
        at = at.saturating_add(4);
        if next == 0 {
            return Ok(at);
        }
        address = relative(program, next).ok_or(Failure::Broken)?;
    }
    Err(Failure::Limit(Limit::Objects))
}

/// Unpacks what the decoder at an address reads from `at`: in the form that the decoder shows, or else in the other.
fn sections(
    data: &[u8],
    program: &Program,
    (at, decoder): (usize, usize),
    pieces: &mut Vec<Piece>,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let form = if byte_at(data, program, pieces, decoder.saturating_add(FORM)) == Some(KEEPS_SIZE) {
        [Form::Prepared, Form::Streams]
    } else {
        [Form::Streams, Form::Prepared]
    };
    let blocks = pieces.len();
    let mut first = None;
    for form in form {
        let ended = streams(data, program, at, form, pieces, budget, meter);
        if ended != Err(Failure::Broken) || pieces.len() > blocks {
            return ended;
        }
        first = first.or(Some(ended));
    }
    first.unwrap_or(Err(Failure::Broken))
}

/// A byte of the program in memory: of what was unpacked, or else of the file.
fn byte_at(data: &[u8], program: &Program, pieces: &[Piece], address: usize) -> Option<u8> {
    let unpacked = pieces.iter().find_map(|piece| piece.content.get(address.checked_sub(piece.address)?));
    unpacked.or_else(|| data.get(program.place(address)?)).copied()
}

/// One stream's head.
struct Head {
    size: usize,
    address: usize,
    packed: usize,
}

impl Head {
    /// The head at a place of the file; `None`: it is the end of the list.
    fn read(data: &[u8], program: &Program, at: usize) -> Result<Option<Self>, Failure> {
        let number = |offset: usize| le32(data, at.saturating_add(offset)).ok_or(Failure::Broken);
        let size = number(0)? as usize;
        if size == 0 {
            return Ok(None);
        }
        let address = relative(program, number(4)?).ok_or(Failure::Broken)?;
        Ok(Some(Self { size, address, packed: number(8)? as usize }))
    }
}

/// Unpacks the streams of a form.
fn streams(
    data: &[u8],
    program: &Program,
    mut at: usize,
    form: Form,
    pieces: &mut Vec<Piece>,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let prepared = le32(data, at).ok_or(Failure::Broken)? as usize;
    at = at.saturating_add(if form == Form::Prepared { 8 } else { 4 });
    let mut left = MAX_IMAGE;
    for number in 0..MAX_STREAMS {
        let Some(head) = Head::read(data, program, at)? else {
            // Nobody calls a decoder for nothing.
            return if number > 0 { Ok(()) } else { Err(Failure::Broken) };
        };
        // Memory is made by what a stream says that it unpacks to.
        left = left.checked_sub(head.size).ok_or(Failure::Limit(Limit::Bytes))?;
        let start = at.saturating_add(HEAD);
        let ended = stream(data, start, &head, pieces, budget, meter);
        if let (Form::Prepared, Some(piece)) = (form, pieces.last_mut()) {
            restore(prepared, &mut piece.content);
        }
        ended?;
        if form == Form::Prepared {
            return Ok(());
        }
        at = start.saturating_add(head.packed);
    }
    Err(Failure::Limit(Limit::Objects))
}

/// Unpacks one stream to a piece, as far as it can be.
fn stream(
    data: &[u8],
    at: usize,
    head: &Head,
    pieces: &mut Vec<Piece>,
    budget: &mut Budget,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let dictionary = u32::try_from(head.size).map_err(|_| Failure::Broken)?;
    let method = Method::RawLzma { properties: PROPERTIES, dictionary, size: Some(head.size as u64) };
    let decoded = decode(method, between(data, at, data.len()), budget, meter);
    let short = decoded.content.len() < head.size;
    if !decoded.content.is_empty() {
        pieces.push(Piece { address: head.address, content: decoded.content });
    }
    match decoded.end {
        End::Limit(limit) => Err(Failure::Limit(limit)),
        End::Complete if !short => Ok(()),
        _ => Err(Failure::Broken),
    }
}

/// Makes places distances again, in the first bytes of code: of calls and jumps, whose places stand with the highest
/// byte first.
fn restore(size: usize, code: &mut [u8]) {
    let end = size.min(code.len()).saturating_sub(CALL_SIZE);
    let mut at = 0_usize;
    while at < end {
        let calls = matches!(code.get(at), Some(&(CALL | 0xe9)));
        at = at.saturating_add(1);
        let Some(place) = code.get_mut(at..at.saturating_add(4)).filter(|_| calls) else { continue };
        let Ok(bytes) = <[u8; 4]>::try_from(&*place) else { continue };
        let distance = u32::from_be_bytes(bytes).wrapping_sub(at as u32);
        place.copy_from_slice(&distance.to_le_bytes());
        at = at.saturating_add(4);
    }
}
