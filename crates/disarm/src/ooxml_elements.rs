//! What of the elements of a part in Office Open XML goes: codes of fields, formulas, names, and actions that
//! act. One field, formula or name at a time: what stands beside stays.
//!
//! Where the codes of fields stand that act is told by the reader of `unpack`, so that nothing which it sees stays;
//! what formulas name: `ooxml_names.rs`. Linear in the size of a part.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use mail::evidence::Active;
use unpack::formats::ooxml::acts::{self, runs};
use unpack::formats::ooxml::fields::{self, places};
use unpack::is_remote;

use crate::ooxml_names::{Sheets, names_book};
use crate::xml::{self, Fate, Tag};

/// What of a part goes.
pub(crate) struct Elements<'a> {
    /// Relationships that are gone.
    pub(crate) ids: &'a BTreeSet<String>,
    pub(crate) active: &'a BTreeSet<Active>,
    /// Where codes of fields stand that go.
    codes: BTreeSet<usize>,
    sheets: Sheets,
}

impl<'a> Elements<'a> {
    /// Looks at a part.
    pub(crate) fn new(content: &str, ids: &'a BTreeSet<String>, active: &'a BTreeSet<Active>) -> Self {
        let mut codes = BTreeSet::new();
        if content.contains("nstrText") {
            let goes = |what: Option<Active>| what.is_none_or(|what| active.contains(&what));
            codes.extend(places(content).into_iter().filter(|(what, _)| goes(*what)).map(|(_, at)| at));
        }
        let mut sheets = Sheets::default();
        // Without names there is nothing to learn from the sheets.
        if content.contains("definedName") {
            xml::visit(content, &mut |tag| {
                if tag.name == "sheet" {
                    let goes = tag.attributes().any(|(name, value)| name.contains(':') && ids.contains(value.as_ref()));
                    sheets.add(&tag.get("name").unwrap_or_default(), goes);
                }
                ControlFlow::Continue(())
            });
        }
        Self { ids, active, codes, sheets }
    }

    fn has(&self, what: Active) -> bool {
        self.active.contains(&what)
    }

    /// Decides about an element.
    pub(crate) fn decide(&self, tag: &Tag<'_>) -> Fate {
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
            "instrText" | "delInstrText" => self.codes.contains(&tag.end),
            "fldSimple" => {
                let does = tag.all("instr").filter_map(|code| fields::acts(&code)).any(|what| self.has(what));
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
            "f" | "formula" | "formula1" | "formula2" | "calculatedColumnFormula" | "totalsRowFormula" => {
                self.formula(&tag.text())
            }
            "definedName" => return self.name(tag),
            _ => false,
        };
        if goes { Fate::Drop } else { Fate::Keep }
    }

    /// Whether a formula goes.
    fn formula(&self, text: &str) -> bool {
        (self.has(Active::Dde) || self.has(Active::RemoteTemplate)) && names_book(text)
            || acts::formula(text).any(|what| self.has(what))
    }

    /// Decides about a name of a workbook. Those of sheets bear the number of their sheet.
    fn name(&self, tag: &Tag<'_>) -> Fate {
        let text = tag.text();
        let on = |name: &str| tag.all(name).any(|value| matches!(&*value, "1" | "true"));
        let starts = tag.all("name").any(|name| name.to_ascii_lowercase().contains("auto_"));
        let starts = starts || on("xlm") || on("function") || on("vbProcedure");
        if self.has(Active::Xlm) && starts || self.formula(&text) || self.sheets.are_named(&text) {
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
