//! Parts of workbooks in binary form (MS-XLSB 2.1.4) without macros: sheets of Excel 4.0 macros become
//! empty sheets, names that start macros come to nothing, embedded objects and controls leave the lists of
//! their sheets, and links to programs and other workbooks become links to nowhere. Nothing changes its number:
//! formulas refer to sheets, names and links by it. Formulas that name such a link become the values that they
//! last had.

use std::collections::BTreeSet;

use memchr::memmem;

use crate::DisarmError;
use crate::bytes::{between, le32};

/// Records (MS-XLSB 2.3.2).
const CELL_ERROR: u16 = 3;
const CELL_BOOL: u16 = 4;
const CELL_REAL: u16 = 5;
const CELL_TEXT: u16 = 6;
const CELL_SHARED: u16 = 7;
const FORMULA_TEXT: u16 = 8;
const FORMULA_NUMBER: u16 = 9;
const FORMULA_ERROR: u16 = 11;
const STRING: u16 = 19;
const NAME: u16 = 39;
pub(crate) const BEGIN_SHEET: u16 = 129;
pub(crate) const BEGIN_STRINGS: u16 = 159;
const LINK_BOOK: u16 = 355;
const LINK_SELF: u16 = 357;
const LINK_SAME: u16 = 358;
const LINK_TABS: u16 = 359;
const SHEETS: u16 = 362;
const ARRAY: u16 = 426;
const SHARED: u16 = 427;
const LINK_ADDIN: u16 = 667;
const BEGIN_OBJECTS: u16 = 638;
const OBJECT: u16 = 639;
const END_OBJECTS: u16 = 640;
const BEGIN_CONTROLS: u16 = 643;
const CONTROL: u16 = 644;
const END_CONTROLS: u16 = 645;
/// A sheet without a cell: its start, start and end of its cells, its end.
pub(crate) const EMPTY_SHEET: [u8; 12] = [0x81, 1, 0, 0x91, 1, 0, 0x92, 1, 0, 0x82, 1, 0];
/// Where a cell's value stands in its record.
const CELL: usize = 8;
/// The token of a formula that stands elsewhere.
const EXPANDS: u8 = 1;
/// Where a name's text stands in its record.
const NAME_AT: usize = 9;
/// A formula that is an error in its reference, its length in front and nothing else behind; no remark.
const NOTHING: [u8; 14] = [2, 0, 0, 0, 0x1c, 0x17, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

/// What goes from a part.
#[derive(Default)]
pub(crate) struct Goes<'a> {
    /// Relationships that are gone.
    pub(crate) ids: BTreeSet<String>,
    /// Names that start macros.
    pub(crate) names: bool,
    /// Places of other workbooks and programs, by their numbers in the workbook; `None`: they stay.
    pub(crate) links: Option<&'a BTreeSet<u16>>,
}

/// The places that lead out of the workbook, by their numbers: formulas refer to them by those.
///
/// # Errors
/// [`DisarmError::NotSound`]: it is not made of records.
pub(crate) fn links_out(workbook: &[u8]) -> Result<BTreeSet<u16>, DisarmError> {
    let (mut at, mut links, mut places) = (0_usize, Vec::new(), BTreeSet::new());
    while at < workbook.len() {
        let (kind, body, end) = record(workbook, at).ok_or(DisarmError::NotSound)?;
        at = end;
        match kind {
            LINK_BOOK | LINK_SELF | LINK_SAME | LINK_TABS | LINK_ADDIN => links.push(kind == LINK_BOOK),
            SHEETS => {
                for (place, number) in body.get(4..).unwrap_or_default().chunks_exact(12).zip(0_u16..) {
                    let link = le32(place, 0).and_then(|link| links.get(usize::try_from(link).ok()?));
                    places.extend(link.filter(|out| **out).map(|_| number));
                }
            }
            _ => {}
        }
    }
    Ok(places)
}

/// Whether a formula names one of these places: wherever in its tokens that may stand.
fn names_link(tokens: &[u8], places: &BTreeSet<u16>) -> bool {
    // References to names, cells and areas by a place, in three classes each (MS-XLSB 2.2.2).
    let by_place = |token: u8| matches!(token & 0x1f, 0x19..=0x1d) && token & 0x60 != 0 && token < 0x80;
    let at = |triple: &[u8]| match triple {
        [token, low, high] => by_place(*token) && places.contains(&u16::from_le_bytes([*low, *high])),
        _ => false,
    };
    !places.is_empty() && tokens.windows(3).any(at)
}

/// The record that a part begins with, which says what it is.
pub(crate) fn first(part: &[u8]) -> Option<u16> {
    record(part, 0).map(|(kind, ..)| kind)
}

/// The numbers of shared strings that a sheet shows.
pub(crate) fn shared_cells(sheet: &[u8]) -> BTreeSet<u32> {
    let (mut at, mut numbers) = (0_usize, BTreeSet::new());
    while let Some((kind, body, end)) = record(sheet, at) {
        at = end;
        numbers.extend(le32(body, 8).filter(|_| kind == CELL_SHARED));
    }
    numbers
}

/// A table of shared strings without the text of these; `None` where it stays as it is.
pub(crate) fn without_strings(table: &[u8], dead: &BTreeSet<u32>) -> Option<Vec<u8>> {
    let (mut out, mut at, mut next, mut changed) = (Vec::with_capacity(table.len()), 0_usize, 0_u32, false);
    while at < table.len() {
        let (kind, body, end) = record(table, at)?;
        let dead = kind == STRING && dead.contains(&next) && body.len() > 5;
        next = next.saturating_add(u32::from(kind == STRING));
        changed |= dead;
        if dead {
            put(STRING, &[0; 5], &mut out)
        } else {
            out.extend_from_slice(between(table, at, end))
        }
        at = end;
    }
    changed.then_some(out)
}

/// A part without what goes; `None` when it stays as it is.
///
/// # Errors
/// [`DisarmError::NotSound`]: it is not made of records.
pub(crate) fn edit(data: &[u8], goes: &Goes<'_>) -> Result<Option<Vec<u8>>, DisarmError> {
    let ids: Vec<Vec<u8>> = goes.ids.iter().map(|id| text(id)).collect();
    let shares = shares_link(data, goes)?;
    let (mut out, mut at, mut changed) = (Vec::with_capacity(data.len()), 0_usize, false);
    // Where in `out` the open list began, and whether anything stays in it.
    let mut list: Option<(usize, bool)> = None;
    while at < data.len() {
        let (kind, body, end) = record(data, at).ok_or(DisarmError::NotSound)?;
        let whole = between(data, at, end);
        at = end;
        let length = out.len();
        match kind {
            BEGIN_OBJECTS | BEGIN_CONTROLS => list = Some((out.len(), false)),
            OBJECT | CONTROL if ids.iter().any(|id| memmem::find(body, id).is_some()) => {
                changed = true;
                continue;
            }
            OBJECT | CONTROL => list = list.map(|(start, _)| (start, true)),
            END_OBJECTS | END_CONTROLS => {
                if let Some((start, false)) = list.take().filter(|_| changed) {
                    out.truncate(start);
                    continue;
                }
            }
            // Its place in the part tells it from other names that were removed.
            NAME if goes.names && starts_macros(body) || goes.names_link(body) => {
                out.extend(nothing(body, at).ok_or(DisarmError::NotSound)?);
            }
            ARRAY | SHARED if shares => {
                changed = true;
                continue;
            }
            FORMULA_TEXT..=FORMULA_ERROR => goes.formula(kind, body, shares, &mut out)?,
            LINK_BOOK if goes.links.is_some() => put(LINK_SELF, &[], &mut out),
            SHEETS => goes.places(body, &mut out),
            _ => {}
        }
        if out.len() == length { out.extend_from_slice(whole) } else { changed = true }
    }
    Ok(changed.then_some(out))
}

/// Whether formulas that several cells share name a link that goes.
fn shares_link(data: &[u8], goes: &Goes<'_>) -> Result<bool, DisarmError> {
    if goes.links.is_none_or(BTreeSet::is_empty) {
        return Ok(false);
    }
    let mut at = 0_usize;
    while at < data.len() {
        let (kind, body, end) = record(data, at).ok_or(DisarmError::NotSound)?;
        at = end;
        if matches!(kind, ARRAY | SHARED) && goes.names_link(body) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Goes<'_> {
    fn names_link(&self, tokens: &[u8]) -> bool {
        self.links.is_some_and(|places| names_link(tokens, places))
    }

    /// Writes a cell with a formula as one with the value it last had, if the formula names a link; `shares`: it
    /// may do so by a formula that is shared.
    fn formula(&self, kind: u16, body: &[u8], shares: bool, out: &mut Vec<u8>) -> Result<(), DisarmError> {
        let value = match kind {
            FORMULA_TEXT => {
                le32(body, CELL).and_then(|length| usize::try_from(length).ok()?.checked_mul(2)?.checked_add(4))
            }
            FORMULA_NUMBER => Some(8),
            _ => Some(1),
        };
        let end = value.and_then(|value| value.checked_add(CELL)).filter(|end| *end <= body.len());
        let end = end.ok_or(DisarmError::NotSound)?;
        // Two bytes of flags, the length of the formula, its tokens.
        let tokens = between(body, end.saturating_add(6), body.len());
        if !(shares && tokens.first() == Some(&EXPANDS) || self.names_link(tokens)) {
            return Ok(());
        }
        let plain = match kind {
            FORMULA_TEXT => CELL_TEXT,
            FORMULA_NUMBER => CELL_REAL,
            FORMULA_ERROR => CELL_ERROR,
            _ => CELL_BOOL,
        };
        put(plain, between(body, 0, end), out);
        Ok(())
    }

    /// Writes the list of places with those that lead out leading nowhere.
    fn places(&self, body: &[u8], out: &mut Vec<u8>) {
        let Some(gone) = self.links.filter(|places| !places.is_empty()) else { return };
        let mut new = body.to_vec();
        for (place, number) in new.get_mut(4..).unwrap_or_default().chunks_exact_mut(12).zip(0_u16..) {
            if gone.contains(&number) {
                place.iter_mut().skip(4).for_each(|byte| *byte = 0xff);
            }
        }
        put(SHEETS, &new, out);
    }
}

/// Writes a record.
fn put(kind: u16, body: &[u8], out: &mut Vec<u8>) {
    let [low, high] = [kind & 0x7f, kind >> 7].map(|part| u8::try_from(part).unwrap_or(0x7f));
    out.extend(if high == 0 { vec![low] } else { vec![low | 0x80, high] });
    let mut length = body.len();
    loop {
        let part = u8::try_from(length & 0x7f).unwrap_or(0);
        length >>= 7;
        out.push(if length == 0 { part } else { part | 0x80 });
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(body);
}

/// A record: its kind, its body, and where it ends.
fn record(data: &[u8], at: usize) -> Option<(u16, &[u8], usize)> {
    let (low, mut at) = (*data.get(at)?, at.saturating_add(1));
    let mut kind = u16::from(low);
    if low & 0x80 != 0 {
        kind = u16::from(low & 0x7f) | u16::from(*data.get(at)? & 0x7f) << 7;
        at = at.saturating_add(1);
    }
    let mut length = 0_usize;
    for shift in [0, 7, 14, 21] {
        let part = *data.get(at)?;
        at = at.saturating_add(1);
        length |= usize::from(part & 0x7f) << shift;
        if part & 0x80 == 0 {
            break;
        }
    }
    let end = at.checked_add(length)?;
    Some((kind, data.get(at..end)?, end))
}

/// A text as records hold it: its length in front, two bytes a letter.
fn text(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let length = u32::try_from(units.len()).unwrap_or(0);
    let letters = units.into_iter().flat_map(u16::to_le_bytes);
    length.to_le_bytes().into_iter().chain(letters).collect()
}

/// Whether a name is one of those by which macros start.
fn starts_macros(body: &[u8]) -> bool {
    let length = le32(body, NAME_AT).unwrap_or(0) as usize;
    let from = NAME_AT.saturating_add(4);
    let letters = between(body, from, from.saturating_add(length.saturating_mul(2)));
    let low: Vec<u8> = letters.iter().step_by(2).map(u8::to_ascii_lowercase).collect();
    memmem::find(&low, b"auto_").is_some()
}

/// A hidden name that stands for nothing; the sheet that it belongs to stays.
fn nothing(body: &[u8], place: usize) -> Option<Vec<u8>> {
    let name = text(&format!("_removed{place}"));
    let new = [&[1, 0, 0, 0, 0], body.get(5..NAME_AT)?, &name, &NOTHING].concat();
    // All of it is shorter than what one byte tells.
    let length = u8::try_from(new.len()).ok().filter(|length| *length < 0x80)?;
    Some([&[NAME as u8, length], new.as_slice()].concat())
}
