//! The texts that the cells of a workbook share (MS-XLS 2.4.265): those that only sheets of macros showed become
//! blanks. Their numbers and places stay.
//!
//! A text may go on in the record behind, whose first byte then says anew how wide its letters are. What does
//! not fit together ends the reading, and stays as it is.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::excel::{CONTINUE, Record};
use crate::bytes::{fill, le16, le32};

/// The record of shared texts, and cells that show one of them.
const TEXTS: u16 = 0x00fc;
const CELL: u16 = 0x00fd;
/// Flags of a text: letters of two bytes, more data behind it, changes of its font behind it.
const WIDE: u8 = 1;
const MORE: u8 = 4;
const FONTS: u8 = 8;

/// The number of the text that a cell shows.
pub(super) fn shown(id: u16, body: &[u8]) -> Option<u32> {
    if id == CELL { le32(body, 6) } else { None }
}

/// Blanks the texts of these numbers; whether any letter changed.
pub(super) fn blank(records: &mut [Record<'_>], numbers: &BTreeSet<u32>) -> bool {
    let Some(last) = numbers.last().copied() else { return false };
    let Some(first) = records.iter().position(|record| record.id == TEXTS) else { return false };
    let more = records.iter().skip(first.saturating_add(1)).take_while(|record| record.id == CONTINUE).count();
    let mut bodies: Vec<Vec<u8>> =
        records.iter().skip(first).take(more.saturating_add(1)).map(|record| record.body.to_vec()).collect();
    let mut walk = Walk { bodies: &mut bodies, body: 0, at: 8 };
    for number in 0..=last {
        if walk.text(numbers.contains(&number)).is_none() {
            break;
        }
    }
    let mut changed = false;
    for (record, body) in records.iter_mut().skip(first).zip(bodies) {
        changed |= *record.body != *body;
        record.body = Cow::Owned(body);
    }
    changed
}

/// A place in the records of the texts.
struct Walk<'a> {
    bodies: &'a mut [Vec<u8>],
    body: usize,
    at: usize,
}

impl Walk<'_> {
    /// Passes over a text; `None` at the end.
    fn text(&mut self, blank: bool) -> Option<()> {
        let mut from = self.here()?;
        let body = self.bodies.get(self.body)?;
        let (count, flags) = (usize::from(le16(body, from)?), *body.get(from.checked_add(2)?)?);
        from = from.checked_add(3)?;
        let (mut fonts, mut more) = (0_usize, 0_usize);
        if flags & FONTS != 0 {
            fonts = usize::from(le16(body, from)?).saturating_mul(4);
            from = from.checked_add(2)?;
        }
        if flags & MORE != 0 {
            more = usize::try_from(le32(body, from)?).ok()?;
            from = from.checked_add(4)?;
        }
        self.at = from;
        self.letters(count, flags, blank)?;
        self.skip(fonts.saturating_add(more))
    }

    /// The place at hand, in the next record where this one ends.
    fn here(&mut self) -> Option<usize> {
        while self.at >= self.bodies.get(self.body)?.len() {
            (self.body, self.at) = (self.body.checked_add(1)?, 0);
        }
        Some(self.at)
    }

    fn letters(&mut self, mut count: usize, flags: u8, blank: bool) -> Option<()> {
        let mut wide = flags & WIDE != 0;
        while count > 0 {
            if self.at >= self.bodies.get(self.body)?.len() {
                self.body = self.body.checked_add(1)?;
                wide = self.bodies.get(self.body)?.first()? & WIDE != 0;
                self.at = 1;
            }
            let body = self.bodies.get_mut(self.body)?;
            let width = if wide { 2 } else { 1 };
            let there = body.len().saturating_sub(self.at).checked_div(width)?.min(count);
            if there == 0 {
                return None;
            }
            let end = self.at.checked_add(there.checked_mul(width)?)?;
            if blank {
                fill(body, self.at, end, 0);
                (self.at..end).step_by(width).for_each(|at| fill(body, at, at.saturating_add(1), b' '));
            }
            (self.at, count) = (end, count.saturating_sub(there));
        }
        Some(())
    }

    fn skip(&mut self, mut bytes: usize) -> Option<()> {
        while bytes > 0 {
            let at = self.here()?;
            let left = self.bodies.get(self.body)?.len().saturating_sub(at).min(bytes);
            (self.at, bytes) = (at.checked_add(left)?, bytes.saturating_sub(left));
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_macros_become_blanks_across_records_and_the_others_stay() {
        let record = |id: u16, body: &[u8]| Record { id, at: 0, body: Cow::Owned(body.to_vec()) };
        let texts = [
            &[9, 0, 0, 0, 4, 0, 0, 0][..],
            b"\x04\0\0kept",
            // With a change of its font, in two bytes a letter, and broken in the middle.
            b"\x04\0\x09\x01\0d\0e\0",
        ];
        let behind = [&b"\0ad\x11\x22\x33\x44"[..], b"\x03\0\x04\x02\0\0\0tooXX", b"\x05\0\0stays"];
        let mut records = [record(0x85, b""), record(TEXTS, &texts.concat()), record(CONTINUE, &behind.concat())];
        assert!(blank(&mut records, &[1, 2].into()));
        let new = [&b"\0  \x11\x22\x33\x44"[..], b"\x03\0\x04\x02\0\0\0   XX", b"\x05\0\0stays"];
        assert_eq!(*records[1].body, *[texts[0], texts[1], b"\x04\0\x09\x01\0 \0 \0"].concat());
        assert_eq!(*records[2].body, *new.concat());
        assert!(!blank(&mut records, &BTreeSet::new()));
        // Numbers that are not there, and what is cut off, end it.
        assert!(!blank(&mut records[..2], &[900].into()));
    }
}
