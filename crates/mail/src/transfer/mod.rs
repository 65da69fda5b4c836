//! Transfer encodings (RFC 2045 section 6): lenient decoding, and strict encoding of our own text.
//!
//! Base64: characters outside the alphabet are skipped, data after padding is read on, missing
//! padding is no matter. Quoted-printable: an escape that is none stays as written. Each leniency
//! is reported. Decoders stop at a number of bytes of output; they never allocate more than the
//! input is long. Other ways that clients read damaged bodies are in `lax`, files inside texts
//! (uuencode, yEnc, BinHex) in `embedded`.

use crate::charset;
use crate::defect::DefectCode;
use crate::graph::{Encoding, Recode};
use crate::shifted;
use crate::span::Span;

pub mod embedded;
mod lax;

pub(crate) use lax::{
    MAX_COMPARED, base64_variants, escapes, has_low_bytes, holds_raw_bytes, is_clean_base64,
    is_damaged_quoted_printable, quoted_printable_variants,
};

/// Most defects one decoding reports: at most one a code.
const MAX_CODES: usize = 2;
/// Longest line that an encoder writes (RFC 2045 section 6.7 and 6.8), without line end.
pub const MAX_ENCODED_LINE: usize = 76;

/// Longest line that is decoded as a whole.
const MAX_FAST_LINE: usize = 1024;

/// What a decoder made of its input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decoded {
    /// The decoded bytes.
    pub bytes: Vec<u8>,
    /// What was wrong, each code once, at its first place in the input.
    pub defects: Vec<(DefectCode, Span)>,
    /// Whether the output was cut at its limit.
    pub cut: bool,
}

impl Decoded {
    fn note(&mut self, code: DefectCode, at: usize) {
        if self.defects.len() < MAX_CODES && self.defects.iter().all(|(seen, _)| *seen != code) {
            self.defects.push((code, Span::new(at, at.saturating_add(1))));
        }
    }
}

/// Decodes a body by its encoding to at most `max` bytes. [`Encoding::Identity`] and
/// [`Encoding::Unknown`] are copied as they are.
pub fn decode(encoding: Encoding, body: &[u8], max: usize) -> Decoded {
    match encoding {
        Encoding::Identity | Encoding::Unknown => {
            let kept = body.get(..max).unwrap_or(body);
            Decoded { bytes: kept.to_vec(), defects: Vec::new(), cut: kept.len() < body.len() }
        }
        Encoding::Base64 => base64(body, max),
        Encoding::QuotedPrintable => quoted_printable(body, max),
        Encoding::Uuencode
        | Encoding::UuencodeEven
        | Encoding::UuencodeToGap
        | Encoding::UuencodeStream
        | Encoding::UuencodeFilled
        | Encoding::Yenc
        | Encoding::BinHex
        | Encoding::Base64Block => embedded::decode(encoding, body, max),
        other => lax::decode(other, body, max),
    }
}

/// Decodes a body like [`decode`] and makes UTF-8 of it; each at most `max` bytes.
pub fn decode_text(encoding: Encoding, recode: Recode, body: &[u8], max: usize) -> Decoded {
    let mut decoded = decode(encoding, body, max);
    match recode {
        Recode::None => return decoded,
        Recode::Utf7 => decoded.bytes = embedded::utf7(&decoded.bytes),
        Recode::Wide => decoded.bytes = charset::wide_to_text(&decoded.bytes).into_bytes(),
        recode => decoded.bytes = shifted::to_text(recode, &decoded.bytes).into_bytes(),
    }
    decoded.cut |= decoded.bytes.len() > max;
    decoded.bytes.truncate(max);
    decoded
}

/// Marks in the table: white space, padding, anything else.
const SPACE: u8 = 64;
const PAD: u8 = 65;
const JUNK: u8 = 66;

/// What each byte means in base64: below 64 its value, else one of the marks.
static BASE64: [u8; 256] = base64_table();

/// Builds [`BASE64`] when compiling.
#[allow(clippy::indexing_slicing)] // const code cannot use `get_mut`; the indices are bytes
const fn base64_table() -> [u8; 256] {
    let mut table = [JUNK; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < 64 {
        table[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table[b'=' as usize] = PAD;
    table
}

/// The meaning of one byte. A `u8` always lies in the table.
fn class(byte: u8) -> u8 {
    BASE64.get(usize::from(byte)).copied().unwrap_or(JUNK)
}

/// Decodes base64 to at most `max` bytes.
pub fn base64(input: &[u8], max: usize) -> Decoded {
    let mut out = Decoded::default();
    let wanted = (input.len() / 4).saturating_mul(3).saturating_add(3);
    out.bytes.reserve(wanted.min(max));
    let mut group = Group::default();
    let mut at = 0;
    while at < input.len() {
        if out.bytes.len() >= max {
            out.cut = input.get(at..).is_some_and(|rest| rest.iter().any(|byte| class(*byte) < 64));
            break;
        }
        if group.count == 0 && !group.padded {
            at = fast_groups(input, at, max, &mut out.bytes);
        }
        let Some(byte) = input.get(at) else { break };
        slow_byte(class(*byte), at, &mut group, &mut out);
        at += 1;
    }
    if group.flush(&mut out.bytes) == Flush::Lost {
        out.note(DefectCode::Base64Padding, input.len().saturating_sub(1));
    }
    if out.bytes.len() > max {
        out.bytes.truncate(max);
        out.cut = true;
    }
    out
}

/// Decodes whole lines, one after the other, that hold nothing but whole groups of four; gives the
/// offset where that ended. `from` must be the begin of a line.
fn fast_lines(input: &[u8], from: usize, max: usize, out: &mut Vec<u8>) -> usize {
    let mut at = from;
    loop {
        let rest = input.get(at..at.saturating_add(MAX_FAST_LINE).min(input.len())).unwrap_or(&[]);
        let Some(length) = memchr::memchr(b'\n', rest) else { return at };
        let line = rest.get(..length).unwrap_or(rest);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let before = out.len();
        let fits = before.saturating_add(line.len()) <= max;
        if line.is_empty() || line.len() % 4 != 0 || !fits {
            return at;
        }
        if base64_simd::STANDARD_NO_PAD.decode_append(line, out).is_err() {
            out.truncate(before);
            return at;
        }
        at = at.saturating_add(length).saturating_add(1);
    }
}

/// Decodes whole groups of four as long as nothing but the alphabet stands there; gives the offset
/// where that ended.
fn fast_groups(input: &[u8], from: usize, max: usize, out: &mut Vec<u8>) -> usize {
    let line_start = from.checked_sub(1).and_then(|at| input.get(at)).is_none_or(|byte| *byte == b'\n');
    let from = if line_start { fast_lines(input, from, max, out) } else { from };
    let rest = input.get(from..).unwrap_or(&[]);
    let mut at = from;
    for four in rest.chunks_exact(4) {
        let [a, b, c, d] = four else { break };
        let (a, b, c, d) = (class(*a), class(*b), class(*c), class(*d));
        if (a | b | c | d) >= 64 || out.len() >= max {
            break;
        }
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        at += 4;
    }
    at
}

/// One byte outside the fast path.
fn slow_byte(value: u8, at: usize, group: &mut Group, out: &mut Decoded) {
    match value {
        SPACE => {}
        PAD => match group.flush(&mut out.bytes) {
            Flush::Bytes(missing) => {
                group.padded = true;
                group.pads_left = missing.saturating_sub(1);
            }
            Flush::Nothing if group.pads_left > 0 => group.pads_left -= 1,
            Flush::Nothing | Flush::Lost => out.note(DefectCode::Base64Padding, at),
        },
        JUNK => out.note(DefectCode::Base64Junk, at),
        value => {
            if group.padded {
                out.note(DefectCode::Base64Padding, at);
                group.padded = false;
                group.pads_left = 0;
            }
            group.push(value, &mut out.bytes);
        }
    }
}

/// Up to three sextets that wait for the fourth.
#[derive(Default)]
struct Group {
    bits: u32,
    count: u8,
    padded: bool,
    pads_left: u8,
}

/// What ending a group early gave.
#[derive(PartialEq, Eq)]
enum Flush {
    /// No sextet waited.
    Nothing,
    /// One sextet waited: not a byte.
    Lost,
    /// A byte or two; so many pads belong there.
    Bytes(u8),
}

impl Group {
    fn push(&mut self, value: u8, out: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(value);
        self.count += 1;
        if self.count == 4 {
            let [_, a, b, c] = self.bits.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
            self.bits = 0;
            self.count = 0;
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> Flush {
        let (bits, count) = (self.bits, self.count);
        self.bits = 0;
        self.count = 0;
        match count {
            0 => Flush::Nothing,
            1 => Flush::Lost,
            2 => {
                out.push((bits >> 4) as u8);
                Flush::Bytes(2)
            }
            _ => {
                out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]);
                Flush::Bytes(1)
            }
        }
    }
}

/// Decodes quoted-printable to at most `max` bytes. Line ends stay as they are; white space at the
/// end of a line is transport padding and dropped.
pub fn quoted_printable(input: &[u8], max: usize) -> Decoded {
    let mut out = Decoded::default();
    out.bytes.reserve(input.len().min(max));
    if has_padded_lines(input) {
        each_line(input, &mut out, max);
    } else {
        unescape(input, 0, &mut out, max);
    }
    if out.bytes.len() > max {
        out.bytes.truncate(max);
        out.cut = true;
    }
    out
}

/// Whether a line may end in white space. Never wrong about "no".
fn has_padded_lines(input: &[u8]) -> bool {
    let blank = |byte: u8| byte == b' ' || byte == b'\t' || byte == 0x0c;
    let ends = |byte: u8| byte == b'\n' || byte == b'\r';
    let padded = |byte: u8, next: u8| u8::from(ends(next) & (blank(byte) | ((byte == b'\r') & (next == b'\r'))));
    let behind = input.get(1..).unwrap_or(&[]);
    // No early end inside a chunk, so that the compiler can look at many bytes at once.
    let mut chunks = input.chunks(1024).zip(behind.chunks(1024));
    input.last().is_some_and(|last| blank(*last) || *last == b'\r')
        || chunks.any(|(chunk, behind)| chunk.iter().zip(behind).fold(0u8, |all, (a, b)| all | padded(*a, *b)) != 0)
}

/// Decodes line by line.
fn each_line(input: &[u8], out: &mut Decoded, max: usize) {
    let mut start = 0;
    while start < input.len() && out.bytes.len() <= max {
        let rest = input.get(start..).unwrap_or(&[]);
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let line = rest.get(..length).unwrap_or(rest);
        let (padded, end) = split_line_end(line);
        let text = padded.trim_ascii_end();
        if text.ends_with(b"=") {
            unescape(text, start, out, max);
        } else {
            // Only a line end makes the blanks before it padding.
            unescape(if end.is_empty() { padded } else { text }, start, out, max);
            out.bytes.extend_from_slice(end);
        }
        start += length;
    }
}

/// A line's content and its line end.
fn split_line_end(line: &[u8]) -> (&[u8], &[u8]) {
    let content = line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text));
    line.split_at_checked(content.len()).unwrap_or((line, &[]))
}

/// Undoes `=XX` and soft breaks in a text whose lines have no blanks at their ends; stops when `max` is
/// passed.
fn unescape(text: &[u8], offset: usize, out: &mut Decoded, max: usize) {
    let mut at = 0;
    while at < text.len() && out.bytes.len() <= max {
        let rest = text.get(at..).unwrap_or(&[]);
        // Escapes often stand side by side.
        if rest.first() != Some(&b'=') {
            let plain = memchr::memchr(b'=', rest).unwrap_or(rest.len());
            out.bytes.extend_from_slice(rest.get(..plain).unwrap_or(rest));
            at += plain;
            continue;
        }
        at += match rest {
            [_, high, low, ..] if let (Some(high), Some(low)) = (hex(*high), hex(*low)) => {
                out.bytes.push(high << 4 | low);
                3
            }
            [_, b'\r', b'\n', ..] => 3,
            [_, b'\n', ..] => 2,
            [_] => 1,
            _ => {
                out.note(DefectCode::QuotedPrintableDamage, offset + at);
                out.bytes.push(b'=');
                1
            }
        };
    }
}

/// What each byte is as a hexadecimal digit; 16 is none.
static HEX: [u8; 256] = hex_table();

/// Builds [`HEX`] when compiling.
#[allow(clippy::indexing_slicing)] // const code cannot use `get_mut`; the indices are bytes
const fn hex_table() -> [u8; 256] {
    let mut table = [16; 256];
    let mut at = 0;
    while at < 10 {
        table[b'0' as usize + at] = at as u8;
        at += 1;
    }
    while at < 16 {
        table[b'a' as usize + at - 10] = at as u8;
        table[b'A' as usize + at - 10] = at as u8;
        at += 1;
    }
    table
}

/// The value of one hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    HEX.get(usize::from(digit)).copied().filter(|value| *value < 16)
}

/// Base64 in lines of [`MAX_ENCODED_LINE`], each ended by `line_end` but the last.
pub fn encode_base64(bytes: &[u8], line_end: &[u8]) -> Vec<u8> {
    let per_line = MAX_ENCODED_LINE / 4 * 3;
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4 + bytes.len() / per_line * line_end.len() + 4);
    for (n, line) in bytes.chunks(per_line).enumerate() {
        if n > 0 {
            out.extend_from_slice(line_end);
        }
        out.extend_from_slice(base64_simd::STANDARD.encode_to_string(line).as_bytes());
    }
    out
}

/// Quoted-printable in lines of at most [`MAX_ENCODED_LINE`]. Line ends of the text (CRLF or LF)
/// become `line_end`. No line begins with `--`, with `From ` or with a dot, so that the text can
/// be mistaken neither for a delimiter nor for the end of something.
pub fn encode_quoted_printable(text: &[u8], line_end: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    for (n, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if n > 0 {
            out.extend_from_slice(line_end);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut column = 0;
        for (at, byte) in line.iter().enumerate() {
            let last = at + 1 == line.len();
            let plain = match byte {
                b' ' | b'\t' => !last,
                b'-' | b'F' | b'.' => column != 0,
                b'=' => false,
                byte => (33..=126).contains(byte),
            };
            let width = if plain { 1 } else { 3 };
            if column + width > MAX_ENCODED_LINE - usize::from(!last) {
                out.push(b'=');
                out.extend_from_slice(line_end);
                column = 0;
            }
            // The first column is judged again after a soft break.
            if plain && !(column == 0 && matches!(byte, b'-' | b'F' | b'.')) {
                out.push(*byte);
                column += 1;
            } else {
                push_escape(*byte, &mut out);
                column += 3;
            }
        }
    }
    out
}

/// `=XX`.
fn push_escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value & 15)).copied().unwrap_or(b'0');
    out.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte)]);
}
