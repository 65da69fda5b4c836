//! The binary parts of an `.xlsb` workbook (MS-XLSB 2.1.4): sheets, shared strings, the workbook, links.
//!
//! A record is a number of one or two bytes, a length of one to four, and its data. Read are texts,
//! formulas of macro sheets, what is hidden, and DDE links. A record that reaches beyond the part ends it
//! and is damage. Not handled: results of formulas that are numbers.

use mail::evidence::Active;

use super::sheet::Grid;
use super::{Document, formula};
use crate::bytes::{between, le16, le32, take};
use crate::views::links;

/// Longest text of a cell, in UTF-16 units: more than Excel allows.
const MAX_CHARACTERS: usize = 64 * 1024;

const ROW: u16 = 0;
const CELL_TEXT: u16 = 6;
const CELL_SHARED: u16 = 7;
const FORMULA_TEXT: u16 = 8;
const FORMULA_NUMBER: u16 = 9;
const FORMULA_BOOL: u16 = 10;
const FORMULA_ERROR: u16 = 11;
const STRING: u16 = 19;
const NAME: u16 = 39;
const COLUMNS: u16 = 60;
const BEGIN_SHEET: u16 = 129;
const BEGIN_BOOK: u16 = 131;
const SHEET: u16 = 156;
const BEGIN_STRINGS: u16 = 159;
const BEGIN_LINK: u16 = 360;

/// Whether a part begins with one of the records that parts of a workbook begin with.
pub(super) fn starts(data: &[u8]) -> bool {
    let first = Records { data, at: 0, damaged: false }.next();
    let length = first.map_or(0, |(_, body)| body.len());
    match first.map(|(kind, _)| kind) {
        Some(BEGIN_SHEET | BEGIN_BOOK) => length == 0,
        Some(BEGIN_STRINGS) => length == 8,
        Some(BEGIN_LINK) => length > 2,
        _ => false,
    }
}

/// The records of a part.
struct Records<'a> {
    data: &'a [u8],
    at: usize,
    damaged: bool,
}

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut byte = || {
            let byte = self.data.get(self.at).copied();
            self.at = self.at.saturating_add(1);
            byte
        };
        let low = byte()?;
        let kind =
            if low & 0x80 == 0 { u16::from(low) } else { u16::from(low & 0x7f) | u16::from(byte()? & 0x7f) << 7 };
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21] {
            let part = byte()?;
            length |= usize::from(part & 0x7f) << shift;
            if part & 0x80 == 0 {
                break;
            }
        }
        let Some(body) = take(self.data, self.at, length) else {
            self.damaged = true;
            return None;
        };
        self.at = self.at.saturating_add(length);
        Some((kind, body))
    }
}

/// A text with its length in front, at a place; and where it ends.
fn wide(body: &[u8], at: usize) -> Option<(String, usize)> {
    let length = le32(body, at)?;
    let start = at.checked_add(4)?;
    if length == u32::MAX {
        return Some((String::new(), start));
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_CHARACTERS)?;
    let bytes = take(body, start, length.checked_mul(2)?)?;
    Some((formula::wide(bytes), start.checked_add(bytes.len())?))
}

/// Reads a part.
pub(super) fn read(name: &str, data: &[u8], document: &mut Document) {
    let mut records = Records { data, at: 0, damaged: false };
    let (mut grid, mut sheet, mut row) = (Grid::new(name), false, 0);
    for (kind, body) in records.by_ref() {
        match kind {
            BEGIN_SHEET => sheet = true,
            ROW => {
                row = le32(body, 0).unwrap_or(0);
                grid.row(body.get(11).is_some_and(|flags| flags & 0x10 != 0));
            }
            COLUMNS => {
                if let (Some(first), Some(last), Some(flags)) = (le32(body, 0), le32(body, 4), le16(body, 16))
                    && flags & 1 != 0
                {
                    grid.hide(first, last);
                }
            }
            STRING => document.book.string(&wide(body, 1).unwrap_or_default().0),
            CELL_TEXT | CELL_SHARED | FORMULA_TEXT | FORMULA_NUMBER | FORMULA_BOOL | FORMULA_ERROR => {
                cell(kind, body, row, &mut grid, document);
            }
            SHEET => {
                let id = wide(body, 8).unwrap_or_default();
                let title = wide(body, id.1).unwrap_or_default().0;
                document.book.list(name, title, id.0, le32(body, 0) != Some(0));
            }
            NAME => defined(body, document),
            BEGIN_LINK => link(name, body, document),
            _ => {}
        }
    }
    document.damaged |= records.damaged;
    if sheet {
        document.book.add(grid);
    }
}

/// One cell.
fn cell(kind: u16, body: &[u8], row: u32, grid: &mut Grid, document: &mut Document) {
    let Some(column) = le32(body, 0) else { return };
    let formula_at = match kind {
        CELL_SHARED => return grid.shared(column, le32(body, 8).unwrap_or(u32::MAX), document.book.count()),
        CELL_TEXT | FORMULA_TEXT => {
            let Some((text, end)) = wide(body, 8) else { return };
            grid.text(column, &text, document.book.count());
            if kind == CELL_TEXT {
                return;
            }
            end
        }
        FORMULA_NUMBER => 16,
        _ => 9,
    };
    // Two bytes of flags, then the length of the formula.
    let at = formula_at.saturating_add(2);
    let length = usize::try_from(le32(body, at).unwrap_or(0)).unwrap_or(0);
    let start = at.saturating_add(4);
    let text = formula::read(between(body, start, start.saturating_add(length)));
    grid.formula(&format!("R{}C{}", row.saturating_add(1), column.saturating_add(1)), &text);
}

/// A defined name: those by which Excel 4.0 macros start.
fn defined(body: &[u8], document: &mut Document) {
    let Some((name, end)) = wide(body, 9) else { return };
    if name.to_ascii_lowercase().contains("auto_") {
        let length = usize::try_from(le32(body, end).unwrap_or(0)).unwrap_or(0);
        let start = end.saturating_add(4);
        let target = formula::read(between(body, start, start.saturating_add(length)));
        document.views.act(Active::Xlm, None, links::kept(&format!("{name} = {target}")));
    }
}

/// A link to another workbook or program.
fn link(part: &str, body: &[u8], document: &mut Document) {
    if le16(body, 0) == Some(1) {
        let service = wide(body, 2).unwrap_or_default();
        let topic = wide(body, service.1).unwrap_or_default().0;
        document.views.act(Active::Dde, Some(part), links::kept(&format!("{}|{topic}", service.0)));
    }
}
