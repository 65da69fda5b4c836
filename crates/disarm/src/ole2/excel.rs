//! Workbooks of Excel 5 to 2003 (MS-XLS) without macros: sheets of Excel 4.0 macros become empty
//! sheets, names that hold or start macros come to nothing, and links to programs and to other machines
//! lead nowhere. Nothing changes its number: formulas refer to sheets, names and links by it. Links of cells that start
//! a program go.
//!
//! Records that tell of places in the stream are corrected, or left out where they only speed up
//! reading. Limit: [`MAX_SHEETS`]. Not handled: workbooks before Excel 5.

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::Active;
use unpack::formats::ole2::{acting_links, acting_names, workbook_link};

use super::{holds_link, strings};
use crate::DisarmError;
use crate::bytes::{between, le16, le32};

/// Most sheets of one workbook.
const MAX_SHEETS: usize = 4096;
/// Records (MS-XLS 2.3.1).
const START: u16 = 0x0809;
const END: u16 = 0x000a;
pub(super) const CONTINUE: u16 = 0x003c;
const PASSWORD: u16 = 0x002f;
const SHEET: u16 = 0x0085;
const NAME: u16 = 0x0018;
const BOOK: u16 = 0x01ae;
const OLD_BOOK: u16 = 0x0017;
const OUTER_NAME: u16 = 0x0023;
/// A link of cells, and the text that is shown over it.
const LINK: u16 = 0x01b8;
const LINK_TEXT: u16 = 0x0800;
/// Tell that there is a project of macros, and whose modules belong to sheets.
const PROJECT: [u16; 3] = [0x00d3, 0x01ba, 0x01bd];
/// Say where cells and strings stand, to find them faster.
const PLACES: [u16; 3] = [0x020b, 0x00d7, 0x00ff];
/// Values that were taken from another workbook.
const CACHED: [u16; 2] = [0x0059, 0x005a];
/// What stays of a sheet of macros: its size, window, and form of columns and rows.
const FRAME: [u16; 8] = [START, END, 0x0200, 0x023e, 0x0055, 0x0225, 0x0081, 0x0080];
/// Parts of a workbook: all of it, a sheet, a sheet of macros.
const WORKBOOK: u16 = 0x0005;
const CELLS: u16 = 0x0010;
const MACROS: u16 = 0x0040;
const MODULE: u16 = 0x0006;
/// The version of Excel 97 and after.
const BIFF8: u16 = 0x0600;
/// A formula that is an error in its reference.
const NOTHING: [u8; 2] = [0x1c, 0x17];
/// A path to a workbook that is not there.
const NOWHERE: &[u8] = b"\x01removed";

/// One record: its kind, where it stood, and its new body.
pub(super) struct Record<'a> {
    pub(super) id: u16,
    pub(super) at: usize,
    pub(super) body: std::borrow::Cow<'a, [u8]>,
}

/// The stream without macros; `None` if there is nothing to change.
///
/// # Errors
/// [`DisarmError::Encrypted`], [`DisarmError::NotSound`], [`DisarmError::TooLarge`].
pub(super) fn edit(data: &[u8], active: &BTreeSet<Active>) -> Result<Option<Vec<u8>>, DisarmError> {
    let records = read(data)?;
    if records.iter().any(|record| record.id == PASSWORD) {
        return Err(DisarmError::Encrypted);
    }
    let mut editor = Editor::new(&records, active);
    if active.contains(&Active::Xlm) {
        editor.names = acting_names(data);
    }
    let mut kept: Vec<Record<'_>> = records.into_iter().filter_map(|record| editor.record(record)).collect();
    if !editor.changed {
        return Ok(None);
    }
    let used: BTreeSet<u32> = kept.iter().filter_map(|record| strings::shown(record.id, &record.body)).collect();
    strings::blank(&mut kept, &editor.shown.difference(&used).copied().collect());
    write(kept).map(Some)
}

fn read(data: &[u8]) -> Result<Vec<Record<'_>>, DisarmError> {
    let (mut records, mut at) = (Vec::new(), 0_usize);
    while let (Some(id), Some(length)) = (le16(data, at), le16(data, at.saturating_add(2))) {
        let start = at.saturating_add(4);
        let end = start.saturating_add(length.into());
        if end > data.len() {
            return Err(DisarmError::NotSound);
        }
        // Streams are filled up with zeros.
        if (id, length) == (0, 0) {
            break;
        }
        records.push(Record { id, at, body: between(data, start, end).into() });
        at = end;
    }
    Ok(records)
}

/// Writes the records, and puts the new places of sheets into their list.
fn write(mut records: Vec<Record<'_>>) -> Result<Vec<u8>, DisarmError> {
    let mut places = BTreeMap::new();
    let mut at = 0_usize;
    for record in &records {
        places.insert(record.at, at);
        at = at.saturating_add(4).saturating_add(record.body.len());
    }
    for record in records.iter_mut().filter(|record| record.id == SHEET) {
        let old = le32(&record.body, 0).ok_or(DisarmError::NotSound)? as usize;
        let new = places.get(&old).copied().ok_or(DisarmError::NotSound)?;
        let new = u32::try_from(new).map_err(|_| DisarmError::TooLarge)?;
        record.body = [&new.to_le_bytes()[..], between(&record.body, 4, record.body.len())].concat().into();
    }
    let mut out = Vec::with_capacity(at);
    for record in records {
        let length = u16::try_from(record.body.len()).map_err(|_| DisarmError::TooLarge)?;
        out.extend(record.id.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend_from_slice(&record.body);
    }
    Ok(out)
}

/// What is known while records pass.
struct Editor<'a> {
    active: &'a BTreeSet<Active>,
    /// Letters have a byte in front that says how wide they are.
    wide: bool,
    /// Where sheets of macros start, as the list of sheets says.
    listed: BTreeSet<usize>,
    /// Where names stand that start or hold macros.
    names: BTreeSet<usize>,
    changed: bool,
    /// Whether the record before went, and what goes on with it.
    dropped: bool,
    /// How many parts are open, and whether the outermost goes.
    depth: u32,
    inside: bool,
    /// Whether a part other than the workbook's own is open.
    open: bool,
    /// The last link was changed.
    cut: bool,
    /// Numbers of the shared texts that sheets of macros showed.
    shown: BTreeSet<u32>,
}

impl<'a> Editor<'a> {
    fn new(records: &[Record<'_>], active: &'a BTreeSet<Active>) -> Self {
        let wide = records.first().and_then(|first| le16(&first.body, 0)).is_none_or(|version| version >= BIFF8);
        let sheets = records.iter().filter(|record| record.id == SHEET && record.body.get(5) == Some(&1));
        let listed: BTreeSet<usize> =
            sheets.take(MAX_SHEETS).filter_map(|sheet| Some(le32(&sheet.body, 0)? as usize)).collect();
        Self {
            active,
            wide,
            listed,
            names: BTreeSet::new(),
            changed: false,
            dropped: false,
            depth: 0,
            inside: false,
            open: false,
            cut: false,
            shown: BTreeSet::new(),
        }
    }

    fn has(&self, what: Active) -> bool {
        self.active.contains(&what)
    }

    /// What becomes of a record; `None`: it goes.
    fn record<'r>(&mut self, mut record: Record<'r>) -> Option<Record<'r>> {
        if record.id == CONTINUE {
            return (!self.dropped).then_some(record);
        }
        let new = self.decide(&record);
        self.dropped = new.is_none();
        let body = new?;
        if *body != *record.body {
            self.changed = true;
            record.body = body;
        }
        Some(record)
    }

    /// The new body of a record; `None`: it goes.
    fn decide<'r>(&mut self, record: &Record<'r>) -> Option<std::borrow::Cow<'r, [u8]>> {
        let (id, body) = (record.id, &record.body);
        let nested = self.inside && self.depth > 1;
        match id {
            START => {
                self.depth = self.depth.saturating_add(1);
                let kind = le16(body, 2).unwrap_or(0);
                // Charts stand within sheets; what begins in the workbook's own part is a part of its own.
                if self.depth == 1 || !self.open {
                    self.depth = 1;
                    self.open = kind != WORKBOOK && body.len() >= 4;
                    let macros = kind == MACROS || kind != WORKBOOK && self.listed.contains(&record.at);
                    self.inside = macros && self.has(Active::Xlm) || kind == MODULE && self.has(Active::Vba);
                    if self.inside {
                        self.changed = true;
                        return Some(
                            [between(body, 0, 2), &CELLS.to_le_bytes(), between(body, 4, body.len())].concat().into(),
                        );
                    }
                }
            }
            END => {
                self.depth = self.depth.saturating_sub(1);
                self.open &= self.depth > 0;
            }
            _ => {}
        }
        let deep = nested || self.inside && self.depth > 1;
        if deep || self.inside && !FRAME.contains(&id) || PLACES.contains(&id) && self.rewrites() {
            self.changed |= deep || self.inside;
            self.shown.extend(strings::shown(id, body));
            return None;
        }
        self.globals(record.at, id, body)
    }

    /// Whether anything is to go at all; where nothing does, nothing is left out.
    fn rewrites(&self) -> bool {
        [Active::Vba, Active::Xlm, Active::Dde, Active::RemoteTemplate, Active::Launch]
            .iter()
            .any(|what| self.has(*what))
    }

    /// Records of the workbook as a whole.
    fn globals<'r>(
        &mut self,
        at: usize,
        id: u16,
        body: &std::borrow::Cow<'r, [u8]>,
    ) -> Option<std::borrow::Cow<'r, [u8]>> {
        if PROJECT.contains(&id) && self.has(Active::Vba) {
            self.changed = true;
            return None;
        }
        Some(match id {
            SHEET if body.get(5) == Some(&1) && self.has(Active::Xlm) => plain_sheet(body).into(),
            SHEET if body.get(5) == Some(&6) && self.has(Active::Vba) => plain_sheet(body).into(),
            NAME if self.names.contains(&at) => self.name(0, body).into(),
            BOOK | OLD_BOOK if id == BOOK || !self.wide => {
                let place = if id == BOOK { 2 } else { 0 };
                self.cut = self.leads_out(&self.text(body, place));
                if self.cut { self.book(body, place).into() } else { body.clone() }
            }
            OUTER_NAME if self.cut => self.name(1, body).into(),
            _ if CACHED.contains(&id) && self.cut => return None,
            LINK if self.has(Active::Launch) && holds_link(acting_links(body)) => {
                self.changed = true;
                return None;
            }
            LINK_TEXT if self.dropped => return None,
            _ => body.clone(),
        })
    }

    /// The text of a link.
    fn text(&self, body: &[u8], at: usize) -> String {
        let (count, from) = match self.wide {
            true => (le16(body, at).map_or(0, usize::from), at.saturating_add(2)),
            false => (body.get(at).copied().map_or(0, usize::from), at.saturating_add(1)),
        };
        // This workbook, and functions of add-ins, have no path.
        if self.wide && matches!(le16(body, at), Some(0x0401 | 0x3a01)) {
            return String::new();
        }
        let flags = if self.wide { body.get(from).copied().unwrap_or(0) } else { 0 };
        let from = from.saturating_add(usize::from(self.wide));
        let wide = flags & 1 == 1;
        let letters = between(body, from, from.saturating_add(if wide { count.saturating_mul(2) } else { count }));
        if !wide {
            return letters.iter().map(|byte| char::from(*byte)).collect();
        }
        let units: Vec<u16> = letters.chunks_exact(2).filter_map(|pair| le16(pair, 0)).collect();
        String::from_utf16_lossy(&units)
    }

    /// Whether a link goes.
    fn leads_out(&self, text: &str) -> bool {
        workbook_link(text).is_some_and(|(what, _)| self.has(what))
    }

    /// A link that leads nowhere.
    fn book(&self, body: &[u8], place: usize) -> Vec<u8> {
        let count = u8::try_from(NOWHERE.len()).unwrap_or(0);
        match self.wide && place == 2 {
            true => [&[0, 0, count, 0, 0], NOWHERE].concat(),
            false if place == 0 => [&[count], NOWHERE].concat(),
            false => body.to_vec(),
        }
    }

    /// A name that holds nothing: of this workbook (0), or in a link (1).
    fn name(&self, form: u8, body: &[u8]) -> Vec<u8> {
        const CALLED: &[u8] = b"_removed";
        let count = u8::try_from(CALLED.len()).unwrap_or(0);
        let width: &[u8] = if self.wide { &[0] } else { &[] };
        if form == 1 {
            return [&[0, 0, 0, 0, 0, 0, count], width, CALLED, &[2, 0], &NOTHING].concat();
        }
        // Hidden; the sheet that it belongs to stays, so that names stay different.
        let scope = between(body, 8, 10);
        [&[1, 0, 0, count, 2, 0, 0, 0], scope, &[0; 4], width, CALLED, &NOTHING].concat()
    }
}

/// An entry of the list of sheets as one of cells.
fn plain_sheet(body: &[u8]) -> Vec<u8> {
    [between(body, 0, 5), &[0], between(body, 6, body.len())].concat()
}
