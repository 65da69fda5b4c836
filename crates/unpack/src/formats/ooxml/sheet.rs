//! SpreadsheetML (ECMA-376 part 1, 18), and the one file of Excel 2003: texts of cells with hidden
//! sheets, rows and columns told apart, Excel 4.0 macro sheets, DDE links, connections.
//!
//! Cells mostly name strings of a table that may come later, so they are kept as numbers until the
//! end. Limits: [`MAX_CELLS`] cells with text of one document, [`MAX_STRINGS`] strings, [`MAX_HIDDEN`]
//! hidden column ranges of a sheet, [`MAX_FORMULAS`] bytes of formulas; what is beyond is not in the text.

use mail::evidence::Active;

use super::package::Package;
use super::word;
use super::{Document, acts};
use crate::views::text::MAX_TEXT;
use crate::views::{TextView, Views, links};
use crate::xml::{Event, Reader, Tag};

/// Elements that hold a formula: of cells without one, of validations, conditional formats and columns of tables.
const RULES: [&str; 6] = ["f", "formula", "formula1", "formula2", "calculatedColumnFormula", "totalsRowFormula"];
/// Most cells of a document whose text is kept.
const MAX_CELLS: usize = 1 << 20;
/// Most shared strings.
const MAX_STRINGS: usize = 1 << 20;
/// Most ranges of hidden columns of one sheet.
const MAX_HIDDEN: usize = 256;
/// Most bytes of formulas of one macro sheet.
const MAX_FORMULAS: usize = 4 * 1024 * 1024;
/// Most sheets.
const MAX_SHEETS: usize = 16_384;
/// In a cell's number: it stands in a hidden row or column.
const HIDDEN: u32 = 1 << 31;
/// In a cell's number: the rest is the length of its own text; else the number of a shared string.
const OWN: u32 = 1 << 30;
/// In place of a cell: a row ends.
const ROW_END: u32 = u32::MAX;

/// What a workbook says of its sheets, and their cells.
#[derive(Default)]
pub(super) struct Book {
    strings: TextView,
    /// Where each shared string ends.
    ends: Vec<u32>,
    sheets: Vec<Listed>,
    grids: Vec<Grid>,
    cells: usize,
    /// There are more sheets than are kept.
    over: bool,
}

/// A sheet as the workbook lists it.
struct Listed {
    name: String,
    hidden: bool,
    part: String,
    id: String,
}

/// The texts of one sheet.
#[derive(Default)]
pub(super) struct Grid {
    pub(super) part: String,
    cells: Vec<u32>,
    own: String,
    columns: Vec<(u32, u32)>,
    row_hidden: bool,
    /// Its formulas, if it may be a macro sheet.
    pub(super) formulas: String,
    /// Whether it has any, those beyond the limit among them.
    has_formulas: bool,
    /// There were more of them than are kept.
    more_formulas: bool,
    /// It is one by its own form.
    pub(super) is_macro: bool,
}

impl Grid {
    /// A sheet in a part.
    pub(super) fn new(part: &str) -> Self {
        Self { part: part.to_owned(), ..Self::default() }
    }

    /// A row begins.
    pub(super) fn row(&mut self, hidden: bool) {
        self.row_hidden = hidden;
        if self.cells.last().is_some_and(|last| *last != ROW_END) {
            self.cells.push(ROW_END);
        }
    }

    /// Columns are hidden, by their numbers from 0.
    pub(super) fn hide(&mut self, first: u32, last: u32) {
        if self.columns.len() < MAX_HIDDEN {
            self.columns.push((first, last));
        }
    }

    fn mark(&self, column: u32) -> u32 {
        let hidden = self.row_hidden || self.columns.iter().any(|(first, last)| (*first..=*last).contains(&column));
        if hidden { HIDDEN } else { 0 }
    }

    /// A cell that shows a shared string.
    pub(super) fn shared(&mut self, column: u32, number: u32, count: &mut usize) {
        if *count < MAX_CELLS && number < OWN {
            *count = count.saturating_add(1);
            self.cells.push(self.mark(column) | number);
        }
    }

    /// A cell that shows its own text.
    pub(super) fn text(&mut self, column: u32, text: &str, count: &mut usize) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        if *count < MAX_CELLS && length < OWN && self.own.len() < MAX_TEXT && !text.is_empty() {
            *count = count.saturating_add(1);
            self.own.push_str(text);
            self.cells.push(self.mark(column) | OWN | length);
        }
    }

    /// A formula in a cell.
    pub(super) fn formula(&mut self, cell: &str, formula: &str) {
        self.has_formulas = true;
        if self.formulas.len().saturating_add(formula.len()) < MAX_FORMULAS {
            for piece in [cell, " =", formula, "\n"] {
                self.formulas.push_str(piece);
            }
        } else {
            self.more_formulas = true;
        }
    }
}

impl Book {
    /// The next shared string.
    pub(super) fn string(&mut self, text: &str) {
        if self.ends.len() < MAX_STRINGS {
            self.strings.push(text, false);
            // The blank between two strings belongs to neither, and keeps equal blanks from joining.
            let end = self.strings.visible().trim_end().len();
            self.strings.end_line(false);
            self.ends.push(u32::try_from(end).unwrap_or(u32::MAX));
        }
    }

    /// A sheet that the workbook lists.
    pub(super) fn list(&mut self, part: &str, name: String, id: String, hidden: bool) {
        if self.sheets.len() < MAX_SHEETS {
            self.sheets.push(Listed { name, hidden, part: part.to_owned(), id });
        } else {
            self.over = true;
        }
    }

    /// How many cells with text there were; for [`Grid::text`].
    pub(super) fn count(&mut self) -> &mut usize {
        &mut self.cells
    }

    /// A sheet is complete.
    pub(super) fn add(&mut self, grid: Grid) {
        if self.grids.len() < MAX_SHEETS {
            self.grids.push(grid);
        } else {
            self.over = true;
        }
    }

    fn shared(&self, number: u32) -> &str {
        let at = number as usize;
        let end = self.ends.get(at).map_or(0, |end| *end as usize);
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.strings.visible().get(start..end.max(start)).unwrap_or("").trim_start_matches('\n')
    }

    /// Tells the texts of all sheets, and the formulas of those with macros.
    pub(super) fn tell(&self, package: &Package, views: &mut Views) {
        if self.over {
            views.limit();
        }
        let listed: std::collections::BTreeMap<&str, &Listed> =
            self.sheets.iter().filter_map(|sheet| Some((package.target(&sheet.part, &sheet.id)?, sheet))).collect();
        for grid in &self.grids {
            let sheet = listed.get(grid.part.as_str());
            let hidden = sheet.is_some_and(|sheet| sheet.hidden);
            if let Some(sheet) = sheet {
                views.text.push(&sheet.name, hidden);
                views.text.end_line(hidden);
            }
            self.show(grid, hidden, &mut views.text);
            let is_macro = grid.is_macro || grid.part.contains("macrosheet") || package.is_macro_sheet(&grid.part);
            // One without a cell can do nothing.
            if is_macro && (grid.has_formulas || !grid.cells.is_empty()) {
                views.act(Active::Xlm, Some(&grid.part), grid.formulas.clone());
                if grid.more_formulas {
                    views.limit();
                }
            }
        }
    }

    /// The texts of one sheet.
    fn show(&self, grid: &Grid, all_hidden: bool, out: &mut TextView) {
        let mut own = 0_usize;
        for &cell in &grid.cells {
            if cell == ROW_END {
                out.end_line(false);
                out.end_line(true);
                continue;
            }
            let hidden = all_hidden || cell & HIDDEN != 0;
            let rest = cell & !(HIDDEN | OWN);
            let text = if cell & OWN != 0 {
                let from = own;
                own = own.saturating_add(rest as usize);
                grid.own.get(from..own).unwrap_or("")
            } else {
                self.shared(rest)
            };
            out.push(text, hidden);
            out.push_char(' ', hidden);
        }
        out.end_line(false);
        out.end_line(true);
    }
}

/// The column of a cell's name, from 0: `C7` is 2.
fn column(name: &str) -> u32 {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number = letters.fold(0_u32, |sum, letter| {
        sum.saturating_mul(26)
            .saturating_add(u32::from(letter.to_ascii_uppercase().saturating_sub(b'A')))
            .saturating_add(1)
    });
    number.saturating_sub(1)
}

/// What the characters that come next belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Into {
    Nothing,
    Value,
    Formula,
    Name,
    /// A condition, or what a column of a table computes.
    Rule,
}

/// The cell that is being read.
struct Cell {
    at: String,
    /// Inside of a cell.
    open: bool,
    shared: bool,
    text: String,
    formula: String,
    into: Into,
    /// Inside of a hint for pronunciation.
    phonetic: bool,
    /// The name that is being defined.
    defined: String,
}

/// Reads a part with this root.
pub(super) fn read(name: &str, root: &str, reader: &mut Reader<'_>, document: &mut Document) {
    let mut grid = Grid::new(name);
    grid.is_macro = root == "macrosheet";
    let mut cell = Cell {
        at: String::new(),
        open: false,
        shared: false,
        text: String::new(),
        formula: String::new(),
        into: Into::Nothing,
        phonetic: false,
        defined: String::new(),
    };
    for event in reader.by_ref() {
        match event {
            Event::Start(tag) => {
                start(name, &tag, &mut cell, &mut grid, document);
                if tag.empty {
                    end(tag.name, root, &mut cell, &mut grid, document);
                }
            }
            Event::End(name) => end(name, root, &mut cell, &mut grid, document),
            Event::Text(text) if !cell.phonetic => match cell.into {
                Into::Value => cell.text.push_str(&text),
                Into::Formula | Into::Name | Into::Rule => cell.formula.push_str(&text),
                Into::Nothing => {}
            },
            _ => {}
        }
    }
    if matches!(root, "worksheet" | "macrosheet" | "dialogsheet" | "Workbook") {
        document.book.add(grid);
    }
}

fn start(part: &str, tag: &Tag<'_>, cell: &mut Cell, grid: &mut Grid, document: &mut Document) {
    let number = |name: &str| tag.get(name).and_then(|value| value.parse::<u32>().ok());
    let text = |name: &str| tag.get(name).unwrap_or_default();
    match tag.name {
        "sheet" => {
            let hidden = tag.get("state").is_some_and(|state| state.to_ascii_lowercase().contains("hidden"));
            document.book.list(part, text("name").into_owned(), text("id").into_owned(), hidden);
        }
        "col" if tag.is_on("hidden") => {
            let first = number("min").unwrap_or(1).saturating_sub(1);
            grid.hide(first, number("max").unwrap_or(1).saturating_sub(1));
        }
        "row" => grid.row(tag.is_on("hidden")),
        "Row" => grid.row(tag.is_on("Hidden")),
        "c" | "Cell" => {
            (cell.at, cell.open) = (text("r").into_owned(), true);
            cell.shared = tag.get("t").is_some_and(|kind| kind == "s");
            (cell.text, cell.formula) = (String::new(), acting(tag, "Formula", computes));
        }
        "si" => cell.text.clear(),
        "v" | "t" | "Data" => cell.into = Into::Value,
        "f" if cell.open => cell.into = Into::Formula,
        rule if RULES.contains(&rule) => {
            (cell.formula, cell.into) = (String::new(), Into::Rule);
        }
        "NamedRange" => tell(part, &acting(tag, "RefersTo", computes), &mut document.views),
        "rPh" => cell.phonetic = !tag.empty,
        "definedName" => {
            cell.defined = acting(tag, "name", starts_macros);
            (cell.formula, cell.into) = (String::new(), Into::Name);
        }
        "ddeLink" => {
            let command = format!("{}|{}", text("ddeService"), text("ddeTopic"));
            document.views.act(Active::Dde, Some(part), links::kept(&command));
        }
        "oleObject" => word::object(tag, &mut document.views),
        "webPr" | "textPr" | "dbPr" => {
            let addresses = ["url", "sourceFile", "connection"].into_iter().flat_map(|name| tag.all(name));
            for address in addresses.filter(|address| tag.name == "webPr" || links::is_remote(address)) {
                document.views.act(Active::RemoteTemplate, Some(part), links::kept(&address));
            }
        }
        _ => {}
    }
}

/// The value of the attribute with this local name that acts; that of the first if none does.
fn acting(tag: &Tag<'_>, name: &str, acts: impl Fn(&str) -> bool) -> String {
    tag.all(name).find(|value| acts(value)).or_else(|| tag.get(name)).unwrap_or_default().into_owned()
}

/// Whether a formula does more than to compute.
fn computes(formula: &str) -> bool {
    acts::formula(formula).next().is_some()
}

/// Tells what a formula does beside computing.
fn tell(part: &str, formula: &str, views: &mut Views) {
    for what in acts::formula(formula) {
        views.act(what, Some(part), links::kept(formula));
    }
}

/// Whether Excel 4.0 macros start by a name.
fn starts_macros(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("auto_open") || lower.contains("auto_close") || lower.contains("auto_activate")
}

fn end(name: &str, root: &str, cell: &mut Cell, grid: &mut Grid, document: &mut Document) {
    match name {
        rule if RULES.contains(&rule) && cell.into == Into::Rule => {
            cell.into = Into::Nothing;
            tell(&grid.part, &std::mem::take(&mut cell.formula), &mut document.views);
        }
        "v" | "t" | "Data" | "f" => cell.into = Into::Nothing,
        "rPh" => cell.phonetic = false,
        "si" if root == "sst" => document.book.string(&cell.text),
        "definedName" => {
            cell.into = Into::Nothing;
            tell(&grid.part, &cell.formula, &mut document.views);
            if starts_macros(&cell.defined) {
                let text = format!("{} = {}", cell.defined, cell.formula);
                document.views.act(Active::Xlm, None, links::kept(&text));
            }
        }
        "c" | "Cell" => {
            let at = column(&cell.at);
            match cell.text.trim().parse() {
                Ok(number) if cell.shared => grid.shared(at, number, document.book.count()),
                _ => grid.text(at, &cell.text, document.book.count()),
            }
            if !cell.formula.is_empty() {
                formula(cell, grid, &mut document.views);
            }
            (cell.text, cell.formula, cell.open) = (String::new(), String::new(), false);
        }
        _ => {}
    }
}

/// Looks at a cell's formula.
fn formula(cell: &Cell, grid: &mut Grid, views: &mut Views) {
    tell(&grid.part, &cell.formula, views);
    if grid.is_macro {
        grid.formula(&cell.at, &cell.formula);
    }
}

#[cfg(test)]
mod tests {
    use super::column;

    #[test]
    fn columns_are_numbered_from_their_letters() {
        for (name, number) in [("A1", 0), ("Z9", 25), ("AA1", 26), ("XFD1", 16383), ("", 0), ("7", 0)] {
            assert_eq!(column(name), number, "{name}");
        }
    }
}
