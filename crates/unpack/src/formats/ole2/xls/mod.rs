//! Workbooks of Excel 5 to 2003 (MS-XLS): formulas of macro sheets, links that start programs, the text
//! of cells and boxes, and what of it stands in hidden sheets.
//!
//! Formulas of ordinary sheets are not written out: what they reach beyond the workbook is told by its
//! links. Limits: [`MAX_SHEETS`], [`MAX_NAMES`], [`MAX_SHEET_TEXT`], those of the readers beside this
//! one, and the budget. Not handled: workbooks before Excel 5, which are no compound files; charts.

mod decrypt;
mod formula;
pub(crate) mod functions;
mod records;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::{Active, UnscannedReason};

use super::work::Work;
use crate::bytes::{between, le16, le32};
use crate::views::Views;
use formula::Names;
use records::{CONTINUE, Form, Record, Records, Shared};

/// Most sheets of one workbook.
const MAX_SHEETS: usize = 4096;
/// Most names, and most links, of one workbook.
const MAX_NAMES: usize = 65_536;
/// Most sheets of macros whose names are looked for in names.
const MAX_MACRO_SHEETS: usize = 8;
/// Longest text of the formulas of one sheet, in bytes.
const MAX_SHEET_TEXT: usize = 4 * 1024 * 1024;
/// What a byte costs, in fuel: records are gone through several times.
const BYTE_FUEL: u64 = 8;
/// Says of a name that it is a function, a macro of Visual Basic, or one of a sheet (MS-XLS 2.4.150).
const MACRO_FLAGS: u16 = 0x000e;
/// Functions of macros that start something, write or compute what is run.
const RUNNING: [&str; 14] = [
    "EXEC(",
    "CALL(",
    "REGISTER(",
    "REGISTER.ID(",
    "RUN(",
    "FORMULA(",
    "FORMULA.FILL(",
    "EVALUATE(",
    "FOPEN(",
    "FWRITE",
    "INITIATE(",
    "EXECUTE(",
    "POKE(",
    "SEND.KEYS(",
];
/// The version of Excel 97 and after, in the record that starts a part.
const BIFF8: u16 = 0x0600;
/// What names mean that have a meaning (MS-XLS 2.4.150), by number.
const BUILT_IN: [&str; 14] = [
    "Consolidate_Area",
    "Auto_Open",
    "Auto_Close",
    "Extract",
    "Database",
    "Criteria",
    "Print_Area",
    "Print_Titles",
    "Recorder",
    "Data_Form",
    "Auto_Activate",
    "Auto_Deactivate",
    "Sheet_Title",
    "_FilterDatabase",
];

/// A sheet as the workbook lists it.
#[derive(Clone, Default, Debug)]
struct Sheet {
    name: String,
    at: usize,
    /// 0: shown, 1: hidden, 2: hidden so that the menu does not show it.
    state: u8,
    /// Whether it holds macros.
    macros: bool,
}

/// What the workbook as a whole says.
#[derive(Default, Debug)]
struct Globals {
    form: Option<Form>,
    sheets: Vec<Sheet>,
    strings: Shared,
    names: Vec<Name>,
    /// Workbooks, programs and add-ins that formulas refer to; an empty one is this workbook.
    books: Vec<String>,
    /// What formulas call a sheet: a book and the first of its sheets.
    references: Vec<(u16, u16)>,
    /// By book, and how many there are in all.
    outer_names: BTreeMap<u16, Vec<String>>,
    outer_count: usize,
    /// There was more than is kept.
    over: bool,
}

/// A defined name.
#[derive(Clone, Default, Debug)]
struct Name {
    name: String,
    tokens: Vec<u8>,
    hidden: bool,
    /// It is a macro or a function of one, as it says itself.
    macros: bool,
    /// Where its record stands.
    at: usize,
}

impl Names for Globals {
    fn name(&self, number: u32) -> String {
        let name = (number as usize).checked_sub(1).and_then(|at| self.names.get(at));
        name.map_or_else(|| format!("name{number}"), |name| name.name.clone())
    }

    fn outer_name(&self, sheet: u16, number: u32) -> String {
        let book = self.references.get(usize::from(sheet)).map_or(sheet, |(book, _)| *book);
        let name = (number as usize).checked_sub(1).and_then(|at| self.outer_names.get(&book)?.get(at));
        name.map_or_else(|| format!("outer{number}"), String::clone)
    }

    fn sheet(&self, number: u16) -> String {
        let Some((book, sheet)) = self.references.get(usize::from(number)) else { return format!("sheet{number}") };
        let book = self.books.get(usize::from(*book)).map_or("", String::as_str);
        let sheet = self.sheets.get(usize::from(*sheet)).filter(|_| book.is_empty());
        sheet.map_or_else(|| format!("[{book}]"), |sheet| sheet.name.clone())
    }

    fn old_sheet(&self, book: u16, number: u16) -> String {
        let sheet = self.sheets.get(usize::from(number)).filter(|_| book & 0x8000 != 0);
        sheet.map_or_else(|| format!("[book{book}]"), |sheet| sheet.name.clone())
    }
}

/// Reads a workbook and gives what it shows and does.
pub(crate) fn workbook(number: u32, work: &mut Work<'_>) {
    let mut data = work.read(number).bytes;
    match decrypt::decrypt(&mut data, work.budget) {
        Ok(None) => {}
        Ok(Some(source)) => {
            work.made.taken.insert(number);
            work.decrypted("Workbook", data.clone(), source);
        }
        Err(closed) => return work.problem(closed.into()),
    }
    if work.burn((data.len() as u64).saturating_mul(BYTE_FUEL)).is_err() {
        return work.problem(UnscannedReason::LimitTime);
    }
    if le16(&data, 0) == Some(0x0809) {
        work.made.known.insert(number);
    }
    let mut globals = Globals::read(&data);
    let mut views = Views::default();
    globals.links(&mut views);
    let more = globals.defined(&mut views, &data);
    if sheet::sheets(&data, &mut globals, &mut views) || more || globals.over {
        work.problem(UnscannedReason::LimitObjects);
    }
    work.views(views);
}

impl Globals {
    /// Reads the part that is about the workbook as a whole.
    fn read(data: &[u8]) -> Self {
        let mut globals = Self { form: Some(Form { wide: true, page: 1252 }), ..Self::default() };
        let mut strings: Vec<&[u8]> = Vec::new();
        let mut before = 0_u16;
        let mut depth = 0_u32;
        for record in Records::new(data) {
            match record.id {
                0x0809 => {
                    depth = depth.saturating_add(1);
                    if depth == 1 && record.at == 0 {
                        let wide = le16(record.body, 0).is_none_or(|version| version >= BIFF8);
                        globals.form = Some(Form { wide, page: 1252 });
                    }
                }
                0x000a => depth = depth.saturating_sub(1),
                0x00fc if strings.is_empty() => strings.push(record.body),
                CONTINUE if before == 0x00fc => strings.push(record.body),
                _ => globals.record(&record),
            }
            if record.id != CONTINUE {
                before = record.id;
            }
        }
        globals.strings = Shared::read(&strings);
        globals
    }

    fn form(&self) -> Form {
        self.form.unwrap_or(Form { wide: true, page: 1252 })
    }

    fn record(&mut self, record: &Record<'_>) {
        let (form, body) = (self.form(), record.body);
        match record.id {
            0x0042 => {
                let page = le16(body, 0).map_or(1252, u32::from);
                self.form = Some(Form { page: if page == 0x8001 { 1252 } else { page }, ..form });
            }
            0x0085 if self.sheets.len() < MAX_SHEETS => self.sheets.push(Sheet {
                at: le32(body, 0).unwrap_or(0) as usize,
                state: body.get(4).copied().unwrap_or(0) & 3,
                macros: body.get(5) == Some(&1),
                name: form.short(body, 6).0,
            }),
            0x0018 if self.names.len() < MAX_NAMES => {
                self.names.push(Name { at: record.at, ..defined_name(body, form) });
            }
            0x01ae if self.books.len() < MAX_NAMES => {
                // This workbook, and functions of add-ins, have no path.
                let own = matches!(le16(body, 2), Some(0x0401 | 0x3a01));
                self.books.push(if own { String::new() } else { form.long(body, 2).0 });
            }
            0x0017 if form.wide => {
                let count = le16(body, 0).map_or(0, usize::from);
                let part = between(body, 2, body.len()).chunks_exact(6).take(count);
                let all = part.filter_map(|six| Some((le16(six, 0)?, le16(six, 2)?)));
                self.references.extend(all.take(MAX_NAMES.saturating_sub(self.references.len())));
            }
            0x0017 if self.books.len() < MAX_NAMES => self.books.push(form.short(body, 0).0),
            0x0023 if self.outer_count < MAX_NAMES => {
                self.outer_count = self.outer_count.saturating_add(1);
                let book = u16::try_from(self.books.len().saturating_sub(1)).unwrap_or(u16::MAX);
                self.outer_names.entry(book).or_default().push(form.short(body, 6).0);
            }
            0x0085 | 0x0018 | 0x01ae | 0x0017 | 0x0023 => self.over = true,
            _ => {}
        }
    }

    /// Notes links to programs, and to what is loaded from elsewhere.
    fn links(&self, views: &mut Views) {
        for (what, text) in self.books.iter().filter_map(|book| link(book)) {
            views.act(what, (what == Active::RemoteTemplate).then_some("external workbook"), text);
        }
    }

    /// Notes the names that start or hold macros, and beside macros all names: they call one another by them. Tells
    /// whether there was more than is noted.
    fn defined(&self, views: &mut Views, data: &[u8]) -> bool {
        let macros = self.sheets.iter().any(|sheet| sheet.macros) || sheet::has_macros(data);
        let (mut text, mut over) = (String::new(), false);
        for (name, acts) in self.names.iter().zip(self.acting(macros, data.len())) {
            if !acts {
                continue;
            }
            over |= text.len() >= MAX_SHEET_TEXT;
            if text.len() < MAX_SHEET_TEXT {
                let value = formula::render(&name.tokens, self.form(), (0, 0), self);
                let hidden = if name.hidden { " (hidden)" } else { "" };
                text.push_str(&format!("{}{hidden} ={value}\n", name.name));
            }
        }
        if !text.is_empty() {
            views.act(Active::Xlm, Some("names"), text);
        }
        over
    }

    /// Which names start macros, or are or hold one: by themselves, or by what they stand for. `all`: every name;
    /// `size`: of the stream, in bytes. Names beyond what is looked at may do so.
    fn acting(&self, all: bool, size: usize) -> Vec<bool> {
        let named = |sheet: &&Sheet| sheet.macros && !sheet.name.is_empty();
        let sheets: Vec<&str> = self.sheets.iter().filter(named).map(|sheet| sheet.name.as_str()).collect();
        let all = all || sheets.len() > MAX_MACRO_SHEETS;
        let mut left = size.saturating_mul(8).saturating_add(1 << 20);
        let mut acts = |name: &Name| {
            if all || name.macros || left == 0 || name.name.to_ascii_lowercase().starts_with("auto_") {
                return true;
            }
            let value = formula::render(&name.tokens, self.form(), (0, 0), self);
            left = left.saturating_sub(value.len());
            // Not the end of another function's name.
            let whole = |at: usize| !value.get(..at).unwrap_or("").ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let called = |word: &&str| value.match_indices(*word).any(|(at, _)| whole(at));
            RUNNING.iter().any(called) || sheets.iter().any(|sheet| value.contains(sheet))
        };
        self.names.iter().map(&mut acts).collect()
    }
}

/// What a link does beside naming a workbook of the same machine, if anything, and what it leads to.
pub fn link(book: &str) -> Option<(Active, String)> {
    // The way of writing a path (MS-XLS 2.5.277): a program and its subject stand around U+0003,
    // which elsewhere is between folders; U+0001 starts a path.
    if let Some(path) = book.strip_prefix('\u{1}') {
        let path = path.strip_prefix('\u{5}').map_or(path, |rest| rest.get(1..).unwrap_or(""));
        let path = path.replace(['\u{1}', '\u{2}', '\u{3}'], "\\").replace("\\@", "\\\\");
        let remote = path.starts_with("\\\\") || path.contains("://");
        return remote.then_some((Active::RemoteTemplate, path));
    }
    let (program, subject) = book.split_once('\u{3}').filter(|(program, _)| !program.is_empty())?;
    Some((Active::Dde, format!("{program}|{subject}")))
}

/// Where the records stand of names that start or hold macros, in a workbook's stream that is not encrypted.
pub fn acting_names(stream: &[u8]) -> BTreeSet<usize> {
    let globals = Globals::read(stream);
    // Where it is not said which sheet holds the macros, every name may be of one.
    let unknown = sheet::has_macros(stream) && !globals.sheets.iter().any(|sheet| sheet.macros);
    let acting = globals.acting(unknown, stream.len());
    globals.names.iter().zip(acting).filter(|(_, acts)| *acts).map(|(name, _)| name.at).collect()
}

/// A defined name: `Lbl`, MS-XLS 2.4.150.
fn defined_name(body: &[u8], form: Form) -> Name {
    let flags = le16(body, 0).unwrap_or(0);
    let letters = body.get(3).copied().map_or(0, usize::from);
    let size = le16(body, 4).map_or(0, usize::from);
    let (name, end) = form.letters(body, 14, letters);
    let built_in = name.chars().next().filter(|_| flags & 0x20 != 0).map(|letter| letter as usize);
    let known = built_in.and_then(|number| BUILT_IN.get(number)).map(|known| (*known).to_owned());
    let tokens = between(body, end, end.saturating_add(size)).to_vec();
    Name { name: known.unwrap_or(name), tokens, hidden: flags & 1 != 0, macros: flags & MACRO_FLAGS != 0, at: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u16, body: &[u8]) -> Vec<u8> {
        [&id.to_le_bytes()[..], &u16::try_from(body.len()).unwrap().to_le_bytes(), body].concat()
    }

    #[test]
    fn names_that_start_or_hold_macros_are_told_from_others() {
        let name = |flags: u16, name: &[u8], tokens: &[u8]| {
            let head = [&flags.to_le_bytes()[..], &[0, name.len() as u8, tokens.len() as u8], &[0; 10]].concat();
            record(0x0018, &[&head[..], name, tokens].concat())
        };
        let start = record(0x0809, &[0, 6, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let sheet = |kind: u8, letter: u8| record(0x0085, &[0, 0, 0, 0, 0, kind, 1, 0, letter]);
        let head = [start, sheet(0, b'S'), sheet(1, b'M'), record(0x01ae, b"\x02\0\x01\x04")].concat();
        let head = [head, record(0x0017, &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0])].concat();
        let exec = b"\x17\x04\0calc\x42\x01\x6e\0";
        let (cells, macros) = ([0x3a, 0, 0, 0, 0, 0, 0], [0x3a, 1, 0, 0, 0, 0, 0]);
        let cases: [(&str, Vec<u8>, bool); 7] = [
            ("a number", name(0, b"rate", &[0x1e, 7, 0]), false),
            ("a print area", name(0x20, &[6], &cells), false),
            ("cells", name(0, b"area", &cells), false),
            ("a start", name(0x20, &[1], &cells), true),
            ("a macro", name(0x08, b"m", &cells), true),
            ("cells of macros", name(0, b"m", &macros), true),
            ("a call", name(0, b"m", exec), true),
        ];
        for (what, record, acts) in cases {
            let data = [head.clone(), record].concat();
            assert_eq!(acting_names(&data), BTreeSet::from_iter(acts.then_some(head.len())), "{what}");
        }
    }
}
