//! The package around the parts (ECMA-376 part 2): content types and relationships.
//!
//! Limits: [`MAX_LINKS`] relationships are remembered for actions that name them, [`MAX_TYPES`]
//! content types are compared; those beyond are still looked at one by one for what is remote.

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::Active;

use super::names::{normal, owner, resolve};
use crate::views::{Views, links};
use crate::xml::{Event, Reader};

/// Most relationships of one package that are remembered.
const MAX_LINKS: usize = 16_384;
/// Most attributes of one relationship with the same local name that are compared; it has one.
const MAX_SAME: usize = 8;
/// Most content types of one package that are compared.
const MAX_TYPES: usize = 16_384;

/// What the package says of its parts.
#[derive(Default)]
pub(super) struct Package {
    /// Target by part and relationship.
    links: BTreeMap<(String, String), String>,
    /// Content type by part, lower case.
    types: BTreeMap<String, String>,
    /// How many lists of content types there were.
    lists: u32,
    /// It is one XML file, in which each part has its type.
    pub(super) flat: bool,
    /// A part that holds macros was seen.
    macros: bool,
    /// There were parts under relationships, as every package has them.
    related: bool,
    contradictory: bool,
}

impl Package {
    /// Notes that a part is there.
    pub(super) fn saw(&mut self, name: &str) {
        self.macros |= name.ends_with("vbaproject.bin");
    }

    /// Reads a list of content types.
    pub(super) fn types(&mut self, reader: &mut Reader<'_>) {
        self.lists = self.lists.saturating_add(1);
        for event in reader {
            let Event::Start(tag) = event else { continue };
            let parts: Vec<String> = match tag.name {
                "Override" => tag.all("PartName").map(|name| normal(&name)).collect(),
                "Default" => tag.all("Extension").map(|end| format!("*.{}", end.to_ascii_lowercase())).collect(),
                _ => continue,
            };
            let kinds: Vec<String> = tag.all("ContentType").map(|kind| kind.to_ascii_lowercase()).collect();
            let macros = kinds.iter().find(|kind| kind.contains("macrosheet"));
            let Some(kind) = macros.or(kinds.first()) else { continue };
            self.contradictory |= parts.len() > 1 || kinds.len() > 1;
            for part in parts {
                if self.types.len() < MAX_TYPES {
                    let before = self.types.insert(part, kind.clone());
                    self.contradictory |= before.is_some_and(|before| before != *kind);
                }
            }
        }
    }

    /// Reads the relationships of a part, and tells what of them is loaded from elsewhere.
    pub(super) fn relationships(&mut self, name: &str, reader: &mut Reader<'_>, views: &mut Views) {
        self.related = true;
        let part = owner(name).unwrap_or_else(|| name.to_owned());
        for event in reader {
            let Event::Start(tag) = event else { continue };
            if tag.name != "Relationship" {
                continue;
            }
            let [targets, kinds, ids, modes] = ["Target", "Type", "Id", "TargetMode"]
                .map(|name| tag.all(name).take(MAX_SAME.saturating_add(1)).collect::<Vec<_>>());
            self.contradictory |= [&targets, &kinds, &ids, &modes].iter().any(|same| same.len() > 1);
            let external = modes.iter().any(|mode| mode.eq_ignore_ascii_case("external"));
            let mut told = BTreeSet::new();
            for (target, kind) in targets.iter().flat_map(|target| kinds.iter().map(move |kind| (target, kind))) {
                let kind = kind.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
                let what = outside(&kind, target).filter(|_| external || links::is_remote(target));
                if let Some(what) = what.filter(|what| told.insert((*what, target.as_ref()))) {
                    views.act(what, Some(name), links::kept(target));
                }
            }
            let starts = targets.iter().find(|target| links::starts_program(target));
            let Some(target) = starts.or(targets.first()).filter(|_| !kinds.is_empty()) else { continue };
            let target = if external { links::kept(target) } else { resolve(&part, target) };
            for id in ids {
                if self.links.len() < MAX_LINKS {
                    self.links.insert((part.clone(), id.into_owned()), target.clone());
                }
            }
        }
    }

    /// Where a part's relationship leads to.
    pub(super) fn target(&self, part: &str, id: &str) -> Option<&str> {
        self.links.get(&(part.to_owned(), id.to_owned())).map(String::as_str)
    }

    /// Whether the content types say that a part is a macro sheet.
    pub(super) fn is_macro_sheet(&self, part: &str) -> bool {
        self.types.get(part).is_some_and(|kind| kind.contains("macrosheet"))
    }

    /// Whether what the package says contradicts itself or its parts: then programs differ about it.
    pub(super) fn is_contradictory(&self) -> bool {
        let mains = || self.types.values().filter(|kind| kind.ends_with(".main+xml") || kind.ends_with(".main"));
        let enabled = |kind: &String| kind.contains("macroenabled") || kind.contains("binary");
        let barred = self.macros && mains().next().is_some() && !mains().any(enabled);
        self.contradictory || barred || self.lists > 1 || self.related && self.lists == 0 && !self.flat
    }
}

/// What a relationship of a kind (the end of its type, in lower case) does whose target is outside of the package.
pub fn outside(kind: &str, target: &str) -> Option<Active> {
    let remote = links::is_remote(target);
    match kind {
        // What the reader has to click. Some schemes start programs.
        "hyperlink" => links::acts(target).then_some(Active::Launch),
        // Pictures and films on the web are asked for like those of a page.
        "image" | "video" | "audio" | "media" if links::is_web(target) => None,
        // A linked object is run by its program wherever it is.
        "oleobject" => Some(Active::RemoteTemplate),
        _ => remote.then_some(Active::RemoteTemplate),
    }
}

/// Whether a relationship's target is outside of its package: as it says, or by the form of the address.
pub fn is_outside(mode: Option<&str>, target: &str) -> bool {
    mode.is_some_and(|mode| mode.eq_ignore_ascii_case("external")) || links::is_remote(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_seen() {
        let main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
        let types = |text: &str, macros: bool| {
            let mut package = Package { related: true, macros, ..Package::default() };
            package.types(&mut Reader::new(text));
            package.is_contradictory()
        };
        let one = format!("<Types><Override PartName='/a.xml' ContentType='{main}'/></Types>");
        assert!(!types(&one, false));
        assert!(types(&one, true), "macros in a document that may hold none");
        assert!(!types(&one.replace("document.main", "document.macroEnabled.main"), true));
        assert!(types(
            "<Types><Override PartName='/a' ContentType='b'/><Override PartName='/A' ContentType='c'/></Types>",
            false
        ));
    }
}
