//! What of the elements of a part in Office Open XML goes: codes of fields, formulas, names, and actions that
//! act. One field, formula or name at a time: what stands beside stays.
//!
//! Limit: [`MAX_DEPTH`] fields in one another; what is deeper goes with the one around it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mail::evidence::Active;
use unpack::formats::ooxml::acts::{asks_web, runs, starts_program};
use unpack::formats::ooxml::fields::{acts, mark, quoted};
use unpack::is_remote;

use crate::xml::{self, Fate, Tag};

/// Most fields in one another.
const MAX_DEPTH: usize = 64;

/// What of a part goes.
pub(crate) struct Elements<'a> {
    /// Relationships that are gone.
    pub(crate) ids: &'a BTreeSet<String>,
    pub(crate) active: &'a BTreeSet<Active>,
    /// Codes of fields that go, by their numbers in the part, and the number of the next one.
    codes: BTreeSet<usize>,
    code: usize,
    sheets: Sheets,
}

impl<'a> Elements<'a> {
    /// Looks at a part.
    pub(crate) fn new(content: &str, ids: &'a BTreeSet<String>, active: &'a BTreeSet<Active>) -> Self {
        let mut fields = Fields::default();
        let mut sheets = Sheets::default();
        // Without codes of fields and names there is nothing to learn from all of a part.
        if !["nstrText", "definedName"].iter().any(|name| content.contains(name)) {
            return Self { ids, active, codes: BTreeSet::new(), code: 0, sheets };
        }
        xml::visit(content, &mut |tag| {
            match tag.name {
                "fldChar" | "instrText" | "delInstrText" => fields.read(tag, active),
                "sheet" => sheets.add(tag, ids),
                _ => {}
            }
            ControlFlow::Continue(())
        });
        Self { ids, active, codes: fields.finish(active), code: 0, sheets }
    }

    fn has(&self, what: Active) -> bool {
        self.active.contains(&what)
    }

    /// Decides about an element.
    pub(crate) fn decide(&mut self, tag: &Tag<'_>) -> Fate {
        // What names a relationship that is gone goes too: programs take it for damage.
        let named = |(name, value): (&str, std::borrow::Cow<'_, str>)| name.contains(':') && self.ids.contains(&*value);
        if !self.ids.is_empty() && tag.attributes().any(named) {
            return Fate::Drop;
        }
        let goes = match tag.name {
            // Also those that name no relationship.
            "OLEObject" | "oleObject" | "oleObj" => self.has(Active::OlePackage),
            "control" | "ocx" => self.has(Active::ActiveX),
            "ddeLink" => self.has(Active::Dde),
            // A verb of an object, in an animation.
            "cmd" => self.has(Active::Launch) && tag.all("type").any(|kind| kind == "verb"),
            "attachedTemplate" => self.has(Active::RemoteTemplate) && tag.all("val").any(|address| is_remote(&address)),
            "webPr" => self.has(Active::RemoteTemplate) && connection(tag).next().is_some(),
            "textPr" | "dbPr" => self.has(Active::RemoteTemplate) && connection(tag).any(|address| is_remote(&address)),
            "instrText" | "delInstrText" => {
                self.code = self.code.saturating_add(1);
                self.codes.contains(&self.code)
            }
            "fldSimple" => {
                let does = tag.all("instr").filter_map(|code| acts(&code)).any(|what| self.has(what));
                // It keeps what it shows.
                return match tag.with("instr", "") {
                    Some(new) if does => Fate::Tag(new),
                    None if does => Fate::Drop,
                    _ => Fate::Keep,
                };
            }
            "hlinkClick" | "hlinkMouseOver" | "hlinkHover" => {
                self.has(Active::Launch) && tag.all("action").any(|action| runs(&action))
            }
            "f" => self.formula(&tag.text()),
            "definedName" => return self.name(tag),
            _ => false,
        };
        if goes { Fate::Drop } else { Fate::Keep }
    }

    /// Whether a formula goes.
    fn formula(&self, text: &str) -> bool {
        self.has(Active::Dde) && starts_program(text)
            || (self.has(Active::Dde) || self.has(Active::RemoteTemplate)) && names_book(text)
            || self.has(Active::RemoteTemplate) && asks_web(text)
    }

    /// Decides about a name of a workbook. Those of sheets bear the number of their sheet.
    fn name(&self, tag: &Tag<'_>) -> Fate {
        let text = tag.text();
        let on = |name: &str| tag.all(name).any(|value| matches!(&*value, "1" | "true"));
        let starts = tag.all("name").any(|name| name.to_ascii_lowercase().contains("auto_"));
        let starts = starts || on("xlm") || on("function") || on("vbProcedure");
        if self.has(Active::Xlm) && starts || self.formula(&text) || self.sheets.goes(&text) {
            return Fate::Drop;
        }
        let Some(sheet) = tag.get("localSheetId").and_then(|number| number.parse().ok()) else { return Fate::Keep };
        match self.sheets.number(sheet) {
            None => Fate::Drop,
            Some(new) if new == sheet => Fate::Keep,
            Some(new) => tag.with("localSheetId", &new.to_string()).map_or(Fate::Drop, Fate::Tag),
        }
    }
}

/// Where a connection of a workbook leads.
fn connection<'t>(tag: &Tag<'t>) -> impl Iterator<Item = std::borrow::Cow<'t, str>> {
    ["url", "sourceFile", "connection"].into_iter().flat_map(move |name| tag.all(name))
}

/// The sheets of a workbook: their names, and whether they go.
#[derive(Default)]
struct Sheets(Vec<(String, bool)>);

impl Sheets {
    fn add(&mut self, tag: &Tag<'_>, ids: &BTreeSet<String>) {
        let goes = tag.attributes().any(|(name, value)| name.contains(':') && ids.contains(value.as_ref()));
        self.0.push((tag.get("name").unwrap_or_default().into_owned(), goes));
    }

    /// The number of a sheet among those that stay; `None` when it goes.
    fn number(&self, old: usize) -> Option<usize> {
        let Some((_, goes)) = self.0.get(old) else { return Some(old) };
        let before = self.0.iter().take(old).filter(|(_, goes)| !goes).count();
        (!goes).then_some(before)
    }

    /// Whether a formula names a sheet that goes.
    fn goes(&self, text: &str) -> bool {
        let plain = |name: &str| {
            let whole = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ']'));
            text.match_indices(&format!("{name}!")).any(|(at, _)| whole(text.get(..at).unwrap_or("")))
        };
        let quoted = |name: &str| text.contains(&format!("'{}'!", name.replace('\'', "''")));
        self.0.iter().any(|(name, goes)| *goes && !name.is_empty() && (plain(name) || quoted(name)))
    }
}

/// The fields of a part.
#[derive(Default)]
struct Fields {
    open: Vec<Field>,
    deeper: usize,
    count: usize,
    goes: BTreeSet<usize>,
}

#[derive(Default)]
struct Field {
    code: String,
    /// The numbers of the pieces of its code.
    pieces: Vec<usize>,
    result: bool,
    /// Deeper fields are in its code, which is not told from theirs.
    full: bool,
}

impl Fields {
    fn read(&mut self, tag: &Tag<'_>, active: &BTreeSet<Active>) {
        if tag.name != "fldChar" {
            self.count = self.count.saturating_add(1);
            if self.open.is_empty() {
                self.open.push(Field::default());
            }
            if let Some(field) = self.open.last_mut().filter(|field| !field.result) {
                field.pieces.push(self.count);
                field.code.push_str(&tag.text());
            }
            return;
        }
        match mark(tag.all("fldCharType")) {
            Some("begin") if self.open.len() < MAX_DEPTH => self.open.push(Field::default()),
            Some("begin") => {
                self.deeper = self.deeper.saturating_add(1);
                if let Some(field) = self.open.last_mut() {
                    field.full = true;
                }
            }
            Some("separate") if self.deeper == 0 => {
                if let Some(field) = self.open.last_mut() {
                    field.result = true;
                }
            }
            Some("end") if self.deeper > 0 => self.deeper = self.deeper.saturating_sub(1),
            Some("end") => self.end(active),
            _ => {}
        }
    }

    fn end(&mut self, active: &BTreeSet<Active>) {
        let Some(field) = self.open.pop() else { return };
        if field.full || acts(&field.code).is_some_and(|what| active.contains(&what)) {
            self.goes.extend(&field.pieces);
        }
        let Some(outer) = self.open.last_mut().filter(|outer| !outer.result) else { return };
        // The text of a quotation is code of the field around it.
        if let Some(text) = quoted(&field.code) {
            outer.code.push_str(&text);
            outer.pieces.extend(field.pieces);
        }
    }

    fn finish(mut self, active: &BTreeSet<Active>) -> BTreeSet<usize> {
        while !self.open.is_empty() {
            self.end(active);
        }
        self.goes
    }
}

/// A formula without what stands in quotes, as a text.
fn unquoted(text: &str) -> String {
    text.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// Whether a formula names another workbook by its number: `[1]Sheet!A1`, `'[1]A sheet'!A1`, `[1]!Name`. A
/// column of a table has the table's name in front.
fn names_book(text: &str) -> bool {
    let text = unquoted(text);
    text.match_indices('[').any(|(at, _)| {
        let (before, rest) = (text.get(..at).unwrap_or(""), text.get(at.saturating_add(1)..).unwrap_or(""));
        let Some((number, behind)) = rest.split_once(']') else { return false };
        let of_table = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '\\'));
        let named = behind.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '!' | '\''));
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !of_table
            && named
            && behind.contains('!')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_that_only_look_like_links_stay() {
        for (text, program, book) in [
            ("cmd|'/c calc'!A0", true, false),
            ("1+cmd|'x'!'\"y'", true, false),
            ("A1&\"|\"&B1!C1", false, false),
            ("IF(A1=\"a|b\",Sheet2!A1,0)", false, false),
            ("SUM(Sales[2024])", false, false),
            ("Sales[[2024]:[2025]]!A", false, false),
            ("[1]Sheet1!A1", false, true),
            ("SUM('[12]A sheet'!A1:B2)", false, true),
            ("[3]!Name", false, true),
            ("\"[1]Sheet1!A1\"", false, false),
        ] {
            assert_eq!((starts_program(text), names_book(text)), (program, book), "{text}");
        }
    }
}
