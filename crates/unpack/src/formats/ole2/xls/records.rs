//! Records of a workbook's stream (MS-XLS 2.1.4), and the strings in them.
//!
//! A string may go on in the next record, which then says again how wide its letters are; only the
//! table of shared strings does that in ways that matter. Limits: [`MAX_STRINGS`] shared strings.

use crate::bytes::{between, le16, le32};
use crate::formats::ole2::text::{decode, utf16};

/// Most shared strings that are kept.
const MAX_STRINGS: usize = 1 << 20;
/// The record that goes on with the one before.
pub(super) const CONTINUE: u16 = 0x003c;

/// One record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) id: u16,
    /// Where it starts in the stream.
    pub(super) at: usize,
    pub(super) body: &'a [u8],
}

/// The records of a stream, one after the other; what is cut off comes as far as it is there.
#[derive(Clone)]
pub(super) struct Records<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (id, length) = (le16(self.data, self.at)?, le16(self.data, self.at.saturating_add(2))?);
        let start = self.at.saturating_add(4);
        let end = start.saturating_add(length.into());
        let record = Record { id, at: self.at, body: between(self.data, start, end) };
        self.at = end;
        Some(record)
    }
}

/// How strings are written, which BIFF8 and the versions before it do differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Form {
    /// BIFF8: with a byte that says how wide letters are.
    pub(super) wide: bool,
    /// The code page of the versions before.
    pub(super) page: u32,
}

impl Form {
    /// A string of `count` letters at `at`, and what stands behind it.
    pub(super) fn letters(self, body: &[u8], at: usize, count: usize) -> (String, usize) {
        if !self.wide {
            let end = at.saturating_add(count);
            return (decode(between(body, at, end), self.page), end);
        }
        let flags = body.get(at).copied().unwrap_or(0);
        let at = at.saturating_add(1);
        let end = at.saturating_add(if flags & 1 == 0 { count } else { count.saturating_mul(2) });
        (plain(between(body, at, end), flags & 1 != 0), end)
    }

    /// The same, with the number of letters in one byte in front.
    pub(super) fn short(self, body: &[u8], at: usize) -> (String, usize) {
        let count = body.get(at).copied().map_or(0, usize::from);
        self.letters(body, at.saturating_add(1), count)
    }

    /// The same, with the number of letters in two bytes in front.
    pub(super) fn long(self, body: &[u8], at: usize) -> (String, usize) {
        let count = le16(body, at).map_or(0, usize::from);
        self.letters(body, at.saturating_add(2), count)
    }
}

/// Letters of one or two bytes.
fn plain(bytes: &[u8], wide: bool) -> String {
    if wide { utf16(bytes) } else { bytes.iter().map(|byte| char::from(*byte)).collect() }
}

/// The shared strings: all text in one piece, and where each ends.
#[derive(Default, Debug)]
pub(super) struct Shared {
    text: String,
    ends: Vec<usize>,
}

impl Shared {
    /// Reads the table from its record and those that go on with it.
    pub(super) fn read(parts: &[&[u8]]) -> Self {
        let mut shared = Self::default();
        let mut reader = Joined { parts, part: 0, at: 8 };
        while shared.ends.len() < MAX_STRINGS && reader.string(&mut shared.text).is_some() {
            shared.ends.push(shared.text.len());
        }
        shared
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// One of them.
    pub(super) fn get(&self, number: usize) -> Option<&str> {
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(number)?)
    }
}

/// A record and those that go on with it.
struct Joined<'a> {
    parts: &'a [&'a [u8]],
    part: usize,
    at: usize,
}

impl<'a> Joined<'a> {
    /// What is left of the present part; the next part once it is at its end.
    fn rest(&mut self) -> Option<&'a [u8]> {
        loop {
            let part = self.parts.get(self.part)?;
            let rest = between(part, self.at, part.len());
            if !rest.is_empty() {
                return Some(rest);
            }
            (self.part, self.at) = (self.part.saturating_add(1), 0);
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.rest()?.first()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    fn number(&mut self, bytes: u32) -> Option<u32> {
        let mut number = 0;
        for place in 0..bytes {
            number |= u32::from(self.byte()?).checked_shl(place.saturating_mul(8)).unwrap_or(0);
        }
        Some(number)
    }

    fn skip(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            let step = self.rest()?.len().min(bytes);
            self.at = self.at.saturating_add(step);
            bytes = bytes.saturating_sub(step);
        }
        Some(())
    }

    /// One string with what belongs to it (MS-XLS 2.5.293).
    fn string(&mut self, out: &mut String) -> Option<()> {
        let mut count = self.number(2)? as usize;
        let mut flags = self.byte()?;
        let runs = if flags & 8 != 0 { self.number(2)? as usize } else { 0 };
        let extra = if flags & 4 != 0 { self.number(4)? as usize } else { 0 };
        while count > 0 {
            self.rest()?;
            if self.at == 0 {
                flags = self.byte()?;
            }
            let rest = self.rest()?;
            let width = if flags & 1 == 0 { 1 } else { 2 };
            count = self.letters(rest, width, count, out);
        }
        self.skip(runs.saturating_mul(4).saturating_add(extra))
    }

    /// As many letters as there are in this part; how many are left.
    fn letters(&mut self, rest: &[u8], width: usize, count: usize, out: &mut String) -> usize {
        let here = rest.len().checked_div(width).unwrap_or(0).min(count);
        let bytes = here.saturating_mul(width);
        out.push_str(&plain(between(rest, 0, bytes), width == 2));
        // Half a letter at the end of a part is none.
        let at_end = here < count;
        self.at = self.at.saturating_add(if at_end { rest.len() } else { bytes });
        count.saturating_sub(here)
    }
}

/// The cell that a number of a worksheet's compact form means (`RkNumber`, 2.5.217).
pub(super) fn rk(body: &[u8], at: usize) -> Option<f64> {
    let raw = le32(body, at)?;
    let value = if raw & 2 == 0 {
        f64::from_bits(u64::from(raw & 0xffff_fffc) << 32)
    } else {
        f64::from(i32::from_le_bytes(raw.to_le_bytes()) >> 2)
    };
    Some(if raw & 1 == 0 { value } else { value / 100.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_strings_go_on_in_other_records() {
        let first = b"\x03\0\0\0\x03\0\0\0\x05\0\0hello\x06\0\0ab";
        let second = b"\x01c\0d\0\xe9\0\0";
        let third = b"\0f\x02\0\x08\x01\0xy\0\0\0\0";
        // "ab" in one byte each, then "cdé\0" in two, then "f" in one.
        let mut second = second.to_vec();
        second.truncate(7);
        let shared = Shared::read(&[first, &second, third]);
        let all: Vec<_> = (0..shared.len()).filter_map(|number| shared.get(number)).collect();
        assert_eq!(all, ["hello", "abcdéf", "xy"]);
        assert_eq!(shared.get(3), None);
    }

    #[test]
    fn strings_are_of_both_forms() {
        let new = Form { wide: true, page: 1252 };
        assert_eq!(new.short(b"\x02\0hi", 0), ("hi".to_owned(), 4));
        assert_eq!(new.long(b"\x02\0\x01h\0\xe4\0", 0), ("hä".to_owned(), 7));
        let old = Form { wide: false, page: 1251 };
        assert_eq!(old.short(b"\x02\xe0b", 0), ("аb".to_owned(), 3));
    }

    #[test]
    fn compact_numbers_are_read() {
        let cases = [(0x3ff0_0000_u32, 1.0), (0x3ff0_0001, 0.01), ((100 << 2) | 2, 100.0), ((100 << 2) | 3, 1.0)];
        for (raw, value) in cases {
            assert_eq!(rk(&raw.to_le_bytes(), 0), Some(value));
        }
    }
}
