//! MAPI properties as TNEF writes them (MS-OXTNEF 2.1.3.4): a count, then for each a type, a number,
//! for named ones a name, and the value.
//!
//! Limits: [`MAX_PROPERTIES`], [`MAX_VALUES`]. Not handled: the values of types that hold no bytes,
//! which are passed over.

use std::ops::Range;

use crate::bytes::{between, le16, le32};

/// Most properties of one attribute; writers have some hundred.
const MAX_PROPERTIES: u32 = 16_384;
/// Most values of one property that are kept.
const MAX_VALUES: usize = 16;

/// Numbers of properties (MS-OXPROPS).
pub(super) const BODY: u16 = 0x1000;
pub(super) const RTF: u16 = 0x1009;
pub(super) const HTML: u16 = 0x1013;
pub(super) const DISPLAY_NAME: u16 = 0x3001;
pub(super) const ATTACH_DATA: u16 = 0x3701;
pub(super) const ATTACH_NAME: u16 = 0x3704;
pub(super) const ATTACH_LONG_NAME: u16 = 0x3707;
pub(super) const ATTACH_TYPE: u16 = 0x370e;
pub(super) const INTERNET_CODE_PAGE: u16 = 0x3fde;

/// Types of values.
const LONG: u16 = 3;
const OBJECT: u16 = 0x0d;
const STRING: u16 = 0x1e;
const UNICODE: u16 = 0x1f;
const BINARY: u16 = 0x102;
/// Added to a type: several values.
const SEVERAL: u16 = 0x1000;
/// Numbers from here on have names.
const NAMED: u16 = 0x8000;
/// How an object begins: the interface that it is of.
const INTERFACE: usize = 16;

/// How a value is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Text in the stream's code page.
    Narrow,
    /// Text in UTF-16.
    Wide,
    /// Bytes.
    Bytes,
    /// A number.
    Number,
}

/// A property that holds bytes or text, or a number.
pub(super) struct Property {
    pub(super) number: u16,
    pub(super) form: Form,
    /// Where its values stand.
    pub(super) values: Vec<Range<usize>>,
}

/// Reads the properties in `range`; false beside them when the list is damaged or too long.
pub(super) fn read(data: &[u8], range: Range<usize>) -> (Vec<Property>, bool) {
    let data = between(data, 0, range.end);
    let mut found = Vec::new();
    let Some(count) = le32(data, range.start) else { return (found, false) };
    let mut at = range.start.saturating_add(4);
    for _ in 0..count.min(MAX_PROPERTIES) {
        let Some((property, next)) = property(data, at) else { return (found, false) };
        at = next;
        found.extend(property);
    }
    (found, count <= MAX_PROPERTIES)
}

/// The property at `at`, if it is of a type that matters, and where the next one stands.
fn property(data: &[u8], at: usize) -> Option<(Option<Property>, usize)> {
    let (kind, number) = (le16(data, at)?, le16(data, at.checked_add(2)?)?);
    let mut at = at.checked_add(4)?;
    if number >= NAMED {
        at = behind_name(data, at)?;
    }
    let form = match kind & !SEVERAL {
        STRING => Some(Form::Narrow),
        UNICODE => Some(Form::Wide),
        BINARY | OBJECT => Some(Form::Bytes),
        LONG => Some(Form::Number),
        _ => None,
    };
    let fixed = fixed(kind & !SEVERAL);
    let mut values = Vec::new();
    let mut count = 1;
    if fixed.is_none() || kind & SEVERAL != 0 {
        count = le32(data, at)?;
        at = at.checked_add(4)?;
    }
    for _ in 0..count {
        let (mut start, len) = match fixed {
            Some(0) => break,
            Some(len) => (at, len),
            None => (at.checked_add(4)?, usize::try_from(le32(data, at)?).ok()?),
        };
        let end = start.checked_add(len)?;
        at = padded(start, len);
        if kind & !SEVERAL == OBJECT {
            start = start.checked_add(INTERFACE)?.min(end);
        }
        // What is cut off is given as far as it goes; nothing can follow it.
        if values.len() < MAX_VALUES && start < data.len() {
            values.push(start..end.min(data.len()));
        }
        if end > data.len() {
            break;
        }
    }
    Some((form.map(|form| Property { number, form, values }), at))
}

/// Where a value ends with what fills it up to a multiple of four bytes.
fn padded(start: usize, len: usize) -> usize {
    start.saturating_add(len.checked_next_multiple_of(4).unwrap_or(len))
}

/// Behind a property's name: a set, a kind, then a number or a text.
fn behind_name(data: &[u8], at: usize) -> Option<usize> {
    let kind = le32(data, at.checked_add(16)?)?;
    let at = at.checked_add(20)?;
    if kind == 0 {
        return at.checked_add(4);
    }
    let len = usize::try_from(le32(data, at)?).ok()?;
    Some(padded(at.checked_add(4)?, len))
}

/// How many bytes a value of a type takes; `None`: it says so itself.
fn fixed(kind: u16) -> Option<usize> {
    match kind {
        0 | 1 => Some(0),
        2 | 3 | 4 | 0x0a | 0x0b => Some(4),
        5..=7 | 0x14 | 0x40 => Some(8),
        0x48 => Some(16),
        _ => None,
    }
}
