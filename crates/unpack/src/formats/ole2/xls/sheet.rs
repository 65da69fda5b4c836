//! The sheets of a workbook: text of cells and boxes, and formulas of macro sheets cell by cell.

use mail::evidence::Active;

use super::formula::{cell_name, render};
use super::records::{CONTINUE, Record, Records, rk};
use super::{Globals, MAX_SHEET_TEXT, MAX_SHEETS, Sheet};
use crate::bytes::{between, le16, le32, le64};
use crate::formats::ole2::monikers;
use crate::views::{Views, links};

/// The record that starts a part of a workbook, and the kinds of parts.
const START: u16 = 0x0809;
const END: u16 = 0x000a;
const WORKBOOK: u16 = 0x0005;
const MACROS: u16 = 0x0040;

/// Whether any part holds macros, whatever the list of sheets says.
pub(super) fn has_macros(data: &[u8]) -> bool {
    Records::new(data).any(|record| record.id == START && le16(record.body, 2) == Some(MACROS))
}

/// A sheet while it is read.
#[derive(Default)]
struct Reader {
    name: String,
    hidden: bool,
    macros: bool,
    /// Formulas and values of its cells, a line each.
    text: String,
    /// There was more than is kept.
    over: bool,
    /// The cell whose text comes in the next record.
    cell: Option<(u16, u16)>,
}

/// Which shared strings were seen: in a sheet that is shown, in a hidden one, or nowhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nowhere,
    Hidden,
    Shown,
}

/// Reads all sheets; whether there were more than are looked at.
pub(super) fn sheets(data: &[u8], globals: &mut Globals, views: &mut Views) -> bool {
    let mut seen = vec![Seen::Nowhere; globals.strings.len()];
    let mut open: Option<Reader> = None;
    // Charts stand within sheets.
    let mut depth = 0_u32;
    let mut count = 0_usize;
    let mut box_text = 0_usize;
    for record in Records::new(data) {
        match record.id {
            START => {
                depth = depth.saturating_add(1);
                if depth > 1 && open.is_some() {
                    continue;
                }
                count = count.saturating_add(1);
                depth = 1;
                open = reader(&record, &globals.sheets);
            }
            END => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    finish(open.take(), views);
                }
            }
            _ => {}
        }
        if count > MAX_SHEETS {
            return true;
        }
        let Some(sheet) = open.as_mut() else { continue };
        match record.id {
            0x01b6 => box_text = le16(record.body, 10).map_or(0, usize::from),
            CONTINUE if box_text > 0 => {
                let (text, _) = globals.form().letters(record.body, 0, box_text);
                box_text = 0;
                views.text.push(&text, sheet.hidden);
                views.text.end_line(sheet.hidden);
            }
            _ => sheet.record(&record, globals, &mut seen, views),
        }
    }
    finish(open, views);
    texts(globals, &seen, views);
    false
}

/// The text of all shared strings: shown, or only in hidden sheets, or in none.
fn texts(globals: &Globals, seen: &[Seen], views: &mut Views) {
    for (number, seen) in seen.iter().enumerate() {
        let hidden = *seen != Seen::Shown;
        views.text.push(globals.strings.get(number).unwrap_or(""), hidden);
        views.text.end_line(hidden);
    }
}

/// What a part is, by its first record and by the list of sheets; the workbook's own part is none.
fn reader(record: &Record<'_>, sheets: &[Sheet]) -> Option<Reader> {
    let kind = le16(record.body, 2)?;
    if kind == WORKBOOK {
        return None;
    }
    let listed = sheets.iter().find(|sheet| sheet.at == record.at);
    let sheet = listed.cloned().unwrap_or_default();
    let hidden = match sheet.state {
        _ if listed.is_none() => " (not listed)",
        0 => "",
        1 => " (hidden)",
        _ => " (very hidden)",
    };
    let name = format!("{}{hidden}", sheet.name);
    Some(Reader { name, hidden: !hidden.is_empty(), macros: sheet.macros || kind == MACROS, ..Reader::default() })
}

/// Notes what a macro sheet does.
fn finish(sheet: Option<Reader>, views: &mut Views) {
    if let Some(sheet) = sheet.filter(|sheet| sheet.macros && !sheet.text.is_empty()) {
        if sheet.over {
            views.limit();
        }
        views.act(Active::Xlm, Some(&sheet.name), sheet.text);
    }
}

impl Reader {
    fn record(&mut self, record: &Record<'_>, globals: &Globals, seen: &mut [Seen], views: &mut Views) {
        let (form, body) = (globals.form(), record.body);
        let cell = (le16(body, 0).unwrap_or(0), le16(body, 2).unwrap_or(0));
        match record.id {
            // Text: shared, of its own, with formats.
            0x00fd => {
                let number = le32(body, 6).map_or(usize::MAX, |number| number as usize);
                if let Some(seen) = seen.get_mut(number).filter(|seen| **seen != Seen::Shown) {
                    *seen = if self.hidden { Seen::Hidden } else { Seen::Shown };
                }
                self.value(cell, || globals.strings.get(number).unwrap_or("").to_owned());
            }
            0x0204 | 0x00d6 => {
                let (text, _) = form.long(body, 6);
                self.shown(&text, views);
                self.value(cell, || text);
            }
            0x0006 | 0x0206 | 0x0406 => self.formula(body, cell, globals),
            // The text that a formula gave.
            0x0207 => {
                let (text, _) = form.long(body, 0);
                self.shown(&text, views);
                if let Some(cell) = self.cell.take() {
                    self.value(cell, || text);
                }
            }
            0x04bc => {
                let column = body.get(4).copied().map_or(0, u16::from);
                let size = le16(body, 8).map_or(0, usize::from);
                self.line((cell.0, column), || {
                    format!("={}", render(between(body, 10, size.saturating_add(10)), form, (cell.0, column), globals))
                });
            }
            0x01b8 => {
                let (all, over) = monikers::all(body);
                for link in all {
                    if links::acts(&link.address) {
                        views.act(Active::Launch, Some("link"), links::kept(&link.address));
                    }
                    self.shown(&link.address, views);
                }
                if over {
                    views.limit();
                }
            }
            _ => self.numbers(record, cell),
        }
    }

    /// Cells of numbers: macros take letters from them.
    fn numbers(&mut self, record: &Record<'_>, cell: (u16, u16)) {
        let body = record.body;
        match record.id {
            0x0203 => {
                let value = le64(body, 6).map(f64::from_bits);
                self.value(cell, || value.map(|value| value.to_string()).unwrap_or_default());
            }
            0x027e => self.value(cell, || rk(body, 6).map(|value| value.to_string()).unwrap_or_default()),
            0x00bd => {
                for (offset, six) in (0_u16..).zip(between(body, 4, body.len().saturating_sub(2)).chunks_exact(6)) {
                    let cell = (cell.0, cell.1.saturating_add(offset));
                    self.value(cell, || rk(six, 2).map(|value| value.to_string()).unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    fn formula(&mut self, body: &[u8], cell: (u16, u16), globals: &Globals) {
        self.cell = Some(cell);
        let size = le16(body, 20).map_or(0, usize::from);
        self.line(cell, || {
            format!("={}", render(between(body, 22, size.saturating_add(22)), globals.form(), cell, globals))
        });
    }

    /// Text that the sheet shows.
    fn shown(&self, text: &str, views: &mut Views) {
        views.text.push(text, self.hidden);
        views.text.end_line(self.hidden);
    }

    /// What stands in a cell of a macro sheet.
    fn value(&mut self, cell: (u16, u16), value: impl FnOnce() -> String) {
        self.line(cell, value);
    }

    /// A line of a macro sheet; nothing is made for other sheets.
    fn line(&mut self, (row, column): (u16, u16), text: impl FnOnce() -> String) {
        if self.macros && self.text.len() >= MAX_SHEET_TEXT {
            self.over = true;
        } else if self.macros {
            self.text.push_str(&format!("{} {}\n", cell_name(row, column), text()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_part_is_comes_from_itself_and_from_the_list() {
        let listed = [Sheet { name: "a".to_owned(), at: 7, state: 2, macros: false }];
        let start = |at, kind: u16| {
            let body = [0, 6, kind.to_le_bytes()[0], kind.to_le_bytes()[1]];
            reader(&Record { id: START, at, body: &body }, &listed).map(|reader| (reader.name, reader.macros))
        };
        assert_eq!(start(7, 0x40), Some(("a (very hidden)".to_owned(), true)));
        assert_eq!(start(7, 0x10), Some(("a (very hidden)".to_owned(), false)));
        assert_eq!(start(8, 0x40), Some((" (not listed)".to_owned(), true)));
        assert_eq!(start(0, 5), None);
    }
}
