//! The filters of streams (ISO 32000-1, section 7.4): Flate, LZW, ASCII85, ASCIIHex, RunLength and the
//! predictors. What a damaged stream gave until then is kept.
//!
//! Limits: [`MAX_FILTERS`] in a chain, and the budget. Not handled: pictures (DCT, JPX, CCITT, JBIG2),
//! which stay as they are, and predictors of components that are not bytes, which are left in place.

use super::lex::{Dict, Value, digit, is_space};
use crate::budget::{Budget, Limit, Meter};
use crate::bytes::between;
use crate::decode::{CHUNK, End, Method, decode};

/// Most filters of one stream.
pub(super) const MAX_FILTERS: usize = 16;
/// Most entries of an LZW table.
const LZW_CODES: usize = 4096;
/// Starts the table anew.
const LZW_CLEAR: usize = 256;
/// The last code of a stream.
const LZW_END: usize = 257;

/// A filter with its parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) name: Vec<u8>,
    pub(super) parameters: Dict,
}

impl Filter {
    fn parameter(&self, key: &[u8], default: usize) -> usize {
        self.parameters.get(key).and_then(Value::size).unwrap_or(default)
    }

    /// Whether it makes a picture.
    pub(super) fn is_picture(&self) -> bool {
        let pictures: [&[u8]; 7] =
            [b"DCTDecode", b"DCT", b"JPXDecode", b"CCITTFaxDecode", b"CCF", b"JBIG2Decode", b"JBIG2"];
        pictures.contains(&self.name.as_slice())
    }

    /// Undoes it.
    pub(super) fn undo(&self, input: &[u8], budget: &mut Budget, meter: &mut Meter) -> (Vec<u8>, End) {
        meter.next_object();
        let mut out = Out { content: Vec::new(), counted: 0, consumed: 0, budget, meter };
        let end = match self.name.as_slice() {
            b"FlateDecode" | b"Fl" => {
                let (content, end) = flate(input, out.budget, out.meter);
                return (self.predicted(content), end);
            }
            b"LZWDecode" | b"LZW" => {
                let early = self.parameter(b"EarlyChange", 1) != 0;
                let end = finish(lzw(input, early, &mut out), &mut out);
                return (self.predicted(out.content), end);
            }
            b"ASCIIHexDecode" | b"AHx" => hex(input, &mut out),
            b"ASCII85Decode" | b"A85" => ascii85(input, &mut out),
            b"RunLengthDecode" | b"RL" => run_length(input, &mut out),
            _ => return (input.to_vec(), End::Unknown),
        };
        let end = finish(end, &mut out);
        (out.content, end)
    }

    /// Undoes the predictor, if there is one.
    fn predicted(&self, content: Vec<u8>) -> Vec<u8> {
        let predictor = self.parameter(b"Predictor", 1);
        let colors = self.parameter(b"Colors", 1).clamp(1, 64);
        let bits = self.parameter(b"BitsPerComponent", 8).clamp(1, 32);
        let columns = self.parameter(b"Columns", 1).max(1);
        let pixel = colors.saturating_mul(bits).div_ceil(8);
        let row = colors.saturating_mul(bits).saturating_mul(columns).div_ceil(8);
        match predictor {
            2 if bits == 8 => tiff(content, pixel, row),
            10.. => png(&content, pixel, row),
            _ => content,
        }
    }
}

/// What a filter has made.
struct Out<'a> {
    content: Vec<u8>,
    /// How much of the content the budget knows of.
    counted: usize,
    /// How much of the input was read.
    consumed: usize,
    budget: &'a mut Budget,
    meter: &'a mut Meter,
}

impl Out<'_> {
    /// Tells the budget, now and then; what went beyond it is taken back.
    fn check(&mut self, least: usize) -> Result<(), Limit> {
        let new = self.content.len().saturating_sub(self.counted);
        if new < least {
            return Ok(());
        }
        let allowed = self.budget.produce(self.meter, new as u64, self.consumed as u64);
        if allowed.is_err() {
            self.content.truncate(self.counted);
        }
        self.counted = self.content.len();
        allowed
    }

    fn push(&mut self, byte: u8) -> Result<(), Limit> {
        self.content.push(byte);
        self.check(CHUNK)
    }
}

/// How a filter ended, after a last look at the budget.
fn finish(end: Result<bool, Limit>, out: &mut Out<'_>) -> End {
    let worked = out.check(0).and_then(|()| out.budget.burn(out.consumed as u64));
    match (end, worked) {
        (Err(limit), _) | (_, Err(limit)) => End::Limit(limit),
        (Ok(true), _) => End::Complete,
        (Ok(false), _) => End::Broken,
    }
}

/// Deflate with the head of zlib, or without one; line ends may stand in front.
fn flate(input: &[u8], budget: &mut Budget, meter: &mut Meter) -> (Vec<u8>, End) {
    let blanks = input.iter().take(4).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let mut best = (Vec::new(), End::Broken);
    for skip in [0, blanks] {
        let body = between(input, skip, input.len());
        let head = match body {
            [first, second, ..] if first & 0x0f == 8 => {
                let sum = u32::from(*first).saturating_mul(256).saturating_add(u32::from(*second));
                if sum.is_multiple_of(31) { 2 } else { 0 }
            }
            _ => 0,
        };
        // A head that is not right in front of a stream that is, or no head at all.
        for head in [head, 2_usize.saturating_sub(head)] {
            let decoded = decode(Method::Deflate, between(body, head, body.len()), budget, meter);
            let done = matches!(decoded.end, End::Complete | End::Limit(_));
            if done || decoded.content.len() > best.0.len() {
                best = (decoded.content, decoded.end);
            }
            if done || !best.0.is_empty() {
                return best;
            }
        }
        if blanks == 0 {
            break;
        }
    }
    best
}

/// Hexadecimal digits up to `>`; true when it ended well.
fn hex(input: &[u8], out: &mut Out<'_>) -> Result<bool, Limit> {
    let mut high = None;
    for &byte in input {
        out.consumed = out.consumed.saturating_add(1);
        if byte == b'>' {
            break;
        }
        let Some(low) = digit(byte) else { continue };
        match high.take() {
            None => high = Some(low),
            Some(high) => out.push(high << 4 | low)?,
        }
    }
    if let Some(high) = high {
        out.push(high << 4)?;
    }
    Ok(true)
}

/// ASCII base-85 up to `~`; true when there was nothing else in it.
fn ascii85(input: &[u8], out: &mut Out<'_>) -> Result<bool, Limit> {
    let mut group: Vec<u32> = Vec::with_capacity(5);
    let mut good = true;
    for &byte in input.strip_prefix(b"<~").unwrap_or(input) {
        out.consumed = out.consumed.saturating_add(1);
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => {
                for _ in 0..4 {
                    out.push(0)?;
                }
            }
            b'!'..=b'u' => group.push(u32::from(byte.saturating_sub(b'!'))),
            _ => good &= is_space(byte),
        }
        if group.len() == 5 {
            tuple(&group, 4, out)?;
            group.clear();
        }
    }
    let rest = group.len();
    if rest > 1 {
        group.resize(5, 84);
        tuple(&group, rest.saturating_sub(1), out)?;
    }
    Ok(good)
}

/// Five digits in base 85 are four bytes, of which the first `keep` count.
fn tuple(group: &[u32], keep: usize, out: &mut Out<'_>) -> Result<(), Limit> {
    let word = group.iter().fold(0_u32, |word, digit| word.wrapping_mul(85).wrapping_add(*digit));
    for byte in word.to_be_bytes().into_iter().take(keep) {
        out.push(byte)?;
    }
    Ok(())
}

/// Run lengths up to 128; true when it ended there.
fn run_length(input: &[u8], out: &mut Out<'_>) -> Result<bool, Limit> {
    let mut rest = input;
    while let Some((&length, behind)) = rest.split_first() {
        let length_of = |count: u8| usize::from(count).saturating_add(1);
        if length == 128 {
            return Ok(true);
        }
        if length < 128 {
            let taken = between(behind, 0, length_of(length));
            out.content.extend_from_slice(taken);
            rest = between(behind, taken.len(), behind.len());
        } else if let Some((&byte, behind)) = behind.split_first() {
            let count = 257_usize.saturating_sub(usize::from(length));
            out.content.extend(std::iter::repeat_n(byte, count));
            rest = behind;
        } else {
            break;
        }
        out.consumed = input.len().saturating_sub(rest.len());
        out.check(CHUNK)?;
    }
    Ok(false)
}

/// LZW, the highest bit first, codes of 9 to 12 bits. What a code stands for is a piece of what was
/// made already, so the table holds places. True when it ended with the code for it.
fn lzw(input: &[u8], early: bool, out: &mut Out<'_>) -> Result<bool, Limit> {
    let mut table: Vec<(usize, usize)> = Vec::new();
    let (mut held, mut bits, mut width) = (0_u32, 0_u32, 9_u32);
    let mut last: Option<(usize, usize)> = None;
    for &byte in input {
        out.consumed = out.consumed.saturating_add(1);
        held = held << 8 | u32::from(byte);
        bits = bits.saturating_add(8);
        if bits < width {
            continue;
        }
        bits = bits.saturating_sub(width);
        let code = (held >> bits) as usize & 0xfff & !(usize::MAX << width);
        if code == LZW_CLEAR {
            table.clear();
            (width, last) = (9, None);
            continue;
        }
        if code == LZW_END {
            return Ok(true);
        }
        // The table's new entry is the piece before and the byte behind it, which comes now.
        if let Some((at, len)) = last.filter(|_| table.len() < LZW_CODES.saturating_sub(258)) {
            table.push((at, len.saturating_add(1)));
        }
        let start = out.content.len();
        if code < 256 {
            out.content.push(code as u8);
        } else {
            let Some(&(at, len)) = table.get(code.saturating_sub(258)) else { return Ok(false) };
            for place in at..at.saturating_add(len) {
                let Some(&byte) = out.content.get(place) else { return Ok(false) };
                out.content.push(byte);
            }
        }
        last = Some((start, out.content.len().saturating_sub(start)));
        let next = table.len().saturating_add(259).saturating_add(usize::from(early));
        width = if next > 2048 {
            12
        } else if next > 1024 {
            11
        } else if next > 512 {
            10
        } else {
            9
        };
        out.check(CHUNK)?;
    }
    Ok(true)
}

/// TIFF's predictor 2: each byte is the difference to the pixel on its left.
fn tiff(mut content: Vec<u8>, pixel: usize, row: usize) -> Vec<u8> {
    for line in content.chunks_mut(row.max(1)) {
        for at in pixel..line.len() {
            let left = at.checked_sub(pixel).and_then(|at| line.get(at)).copied().unwrap_or(0);
            if let Some(byte) = line.get_mut(at) {
                *byte = byte.wrapping_add(left);
            }
        }
    }
    content
}

/// PNG's predictors: a byte in front of each row says which.
fn png(content: &[u8], pixel: usize, row: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(content.len());
    let mut above: Vec<u8> = Vec::new();
    for line in content.chunks(row.saturating_add(1)) {
        let Some((&kind, values)) = line.split_first() else { break };
        let mut made: Vec<u8> = Vec::with_capacity(values.len());
        for (at, &value) in values.iter().enumerate() {
            let back = at.checked_sub(pixel);
            let left = back.and_then(|at| made.get(at)).copied().unwrap_or(0);
            let up = above.get(at).copied().unwrap_or(0);
            let corner = back.and_then(|at| above.get(at)).copied().unwrap_or(0);
            made.push(value.wrapping_add(match kind {
                1 => left,
                2 => up,
                3 => (u16::from(left).saturating_add(u16::from(up)) / 2) as u8,
                4 => paeth(left, up, corner),
                _ => 0,
            }));
        }
        out.extend_from_slice(&made);
        above = made;
    }
    out
}

/// PNG, section 9.4.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let guess = a.saturating_add(b).saturating_sub(c);
    let [near_a, near_b, near_c] = [a, b, c].map(|value| guess.abs_diff(value));
    if near_a <= near_b && near_a <= near_c {
        left
    } else if near_b <= near_c {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{Limits, StopFlag};

    fn undo(name: &str, parameters: Dict, input: &[u8]) -> (Vec<u8>, End) {
        let mut budget = Budget::new(Limits::default(), StopFlag::new());
        let filter = Filter { name: name.into(), parameters };
        filter.undo(input, &mut budget, &mut Meter::new(input.len() as u64))
    }

    #[test]
    fn each_filter_is_undone() {
        // The example of ISO 32000-1, 7.4.4.2, and others that are easily checked by hand.
        let lzw = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        let cases: [(&str, &[u8], &[u8]); 7] = [
            ("ASCIIHexDecode", b"4a 53 2>x", b"JS "),
            ("AHx", b"4a", b"J"),
            ("ASCII85Decode", b"87cURD]j7BEbo80~>", b"Hello world!"),
            ("A85", b"z!!~>", b"\0\0\0\0\0"),
            ("RunLengthDecode", b"\x02abc\xfex\x80", b"abcxxx"),
            ("LZWDecode", &lzw, &[45, 45, 45, 45, 45, 65, 45, 45, 45, 66]),
            ("LZW", &lzw[..8], &[45, 45, 45, 45, 45, 65, 45, 45, 45, 66]),
        ];
        for (name, input, expected) in cases {
            assert_eq!(undo(name, Dict::default(), input).0, expected, "{name}");
        }
    }

    #[test]
    fn damaged_and_headless_deflate_gives_what_there_is() {
        let content = b"a line of text, and again ".repeat(40);
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(&content).unwrap();
        let packed = encoder.finish().unwrap();
        for input in [packed.clone(), packed[2..].to_vec(), [b"\r\n", &packed[..]].concat()] {
            assert_eq!(undo("FlateDecode", Dict::default(), &input), (content.clone(), End::Complete));
        }
        let (some, end) = undo("Fl", Dict::default(), &packed[..packed.len() - 10]);
        assert_eq!(end, End::Broken);
        assert!(content.starts_with(&some) && !some.is_empty());
    }

    #[test]
    fn predictors_are_undone() {
        let number = |key: &[u8], value: f64| (key.to_vec(), Value::Number(value));
        let png = Dict(vec![number(b"Predictor", 12.0), number(b"Columns", 3.0)]);
        let rows = [2, 1, 2, 3, 2, 1, 1, 1, 1, 5, 1, 1, 4, 1, 1, 1];
        assert_eq!(
            Filter { name: vec![], parameters: png }.predicted(rows.to_vec()),
            [1, 2, 3, 2, 3, 4, 5, 6, 7, 6, 7, 8]
        );
        let tiff = Dict(vec![number(b"Predictor", 2.0), number(b"Columns", 4.0)]);
        assert_eq!(
            Filter { name: vec![], parameters: tiff }.predicted(vec![1, 1, 1, 1, 5, 0, 0, 1]),
            [1, 2, 3, 4, 5, 5, 5, 6]
        );
    }
}
