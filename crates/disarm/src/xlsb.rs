//! Parts of workbooks in binary form (MS-XLSB 2.1.4) without macros: sheets of Excel 4.0 macros become
//! empty sheets, names that start macros come to nothing, and embedded objects and controls leave the lists of
//! their sheets. Nothing changes its number: formulas refer to sheets and names by it.
//!
//! Not handled: links to programs and other workbooks, which formulas refer to by their numbers too.

use std::collections::BTreeSet;

use memchr::memmem;

use crate::DisarmError;
use crate::bytes::{between, le32};

/// Records (MS-XLSB 2.3.2).
const NAME: u16 = 39;
const BEGIN_OBJECTS: u16 = 638;
const OBJECT: u16 = 639;
const END_OBJECTS: u16 = 640;
const BEGIN_CONTROLS: u16 = 643;
const CONTROL: u16 = 644;
const END_CONTROLS: u16 = 645;
/// A sheet without a cell: its start, start and end of its cells, its end.
pub(crate) const EMPTY_SHEET: [u8; 12] = [0x81, 1, 0, 0x91, 1, 0, 0x92, 1, 0, 0x82, 1, 0];
/// Where a name's text stands in its record.
const NAME_AT: usize = 9;
/// A formula that is an error in its reference, its length in front and nothing else behind; no remark.
const NOTHING: [u8; 14] = [2, 0, 0, 0, 0x1c, 0x17, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

/// A part without what names one of these relationships, and, with `names`, without names that start
/// macros; `None` when it stays as it is.
///
/// # Errors
/// [`DisarmError::NotSound`]: it is not made of records.
pub(crate) fn edit(data: &[u8], ids: &BTreeSet<String>, names: bool) -> Result<Option<Vec<u8>>, DisarmError> {
    let ids: Vec<Vec<u8>> = ids.iter().map(|id| text(id)).collect();
    let (mut out, mut at, mut changed) = (Vec::with_capacity(data.len()), 0_usize, false);
    // Where in `out` the open list began, and whether anything stays in it.
    let mut list: Option<(usize, bool)> = None;
    while at < data.len() {
        let (kind, body, end) = record(data, at).ok_or(DisarmError::NotSound)?;
        let whole = between(data, at, end);
        at = end;
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
            NAME if names && starts_macros(body) => {
                changed = true;
                // Its place in the part tells it from other names that were removed.
                out.extend(nothing(body, at).ok_or(DisarmError::NotSound)?);
                continue;
            }
            _ => {}
        }
        out.extend_from_slice(whole);
    }
    Ok(changed.then_some(out))
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
