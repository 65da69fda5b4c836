//! Office Open XML without active content (ECMA-376): parts that hold it go, with the relationships that
//! lead to them, the elements that name those relationships, and their content types. All other parts
//! are copied as they stand.
//!
//! A document that was declared as one with macros is declared as one without, and its name ends
//! accordingly. What of the elements goes: `ooxml_elements.rs`; a field that acts loses its code and keeps what
//! it shows. Refused: parts in character sets that are not read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use mail::evidence::{Active, Role};
use unpack::formats::ooxml::names::{normal, owner, resolve};
use unpack::formats::ooxml::{is_outside, outside};
use unpack::{Member, is_xml, starts_program};

use crate::ooxml_elements::Elements;
use crate::remove::{Change, Changes};
use crate::xml::{self, Fate, Tag};
use crate::{DisarmError, shared, xlsb, zip};

/// Content types with macros, those without, and what such a document's name ends with.
const MACROS: [(&str, &str, &str); 7] = [
    ("application/vnd.ms-word.document.macroenabled.main+xml", "wordprocessingml.document", ".docx"),
    ("application/vnd.ms-word.template.macroenabledtemplate.main+xml", "wordprocessingml.template", ".dotx"),
    ("application/vnd.ms-excel.sheet.macroenabled.main+xml", "spreadsheetml.sheet", ".xlsx"),
    ("application/vnd.ms-excel.template.macroenabled.main+xml", "spreadsheetml.template", ".xltx"),
    ("application/vnd.ms-powerpoint.presentation.macroenabled.main+xml", "presentationml.presentation", ".pptx"),
    ("application/vnd.ms-powerpoint.template.macroenabled.main+xml", "presentationml.template", ".potx"),
    ("application/vnd.ms-powerpoint.slideshow.macroenabled.main+xml", "presentationml.slideshow", ".ppsx"),
];
/// Relationships and roots of parts that hold what acts, whatever the part is called.
const BY_LINK: [(&str, Active); 6] = [
    ("externallink", Active::Dde),
    ("externallink", Active::RemoteTemplate),
    ("vbaproject", Active::Vba),
    ("wordvbadata", Active::Vba),
    ("xlmacrosheet", Active::Xlm),
    ("xlintlmacrosheet", Active::Xlm),
];
const BY_ROOT: [(&str, Active); 2] = [("macrosheet", Active::Xlm), ("ocx", Active::ActiveX)];

/// The list of content types, as packages compare names.
const TYPES: &str = "[content_types].xml";
/// Most attributes of one relationship with the same local name that are compared; it has one.
const MAX_SAME: usize = 8;

/// With which of these kinds of active content a part goes; `None`: it stays.
pub(crate) fn drops(name: &str, active: &BTreeSet<Active>) -> Option<Active> {
    let name = normal(name);
    let holds = |folder: &str| name.contains(folder);
    let kinds: &[Active] = match () {
        () if holds("vbaproject") || name.ends_with("vbadata.xml") => &[Active::Vba],
        () if holds("macrosheet") => &[Active::Xlm],
        () if holds("/activex/") || holds("/ctrlprops/") => &[Active::ActiveX],
        () if holds("/embeddings/") => &[Active::OlePackage],
        () if holds("/externallinks/") => &[Active::Dde, Active::RemoteTemplate],
        () if name.starts_with("customui/") => &[Active::Script, Active::Vba],
        () => &[],
    };
    kinds.iter().copied().find(|what| active.contains(what))
}

/// Parts that hold what acts, by the relationships that lead to them, by their content types, and by their roots.
fn holders(files: &[&Member], active: &BTreeSet<Active>) -> BTreeMap<String, Active> {
    let mut found = BTreeMap::new();
    let mut note = |part: String, what: Active| {
        if active.contains(&what) {
            found.insert(part, what);
        }
    };
    for member in files.iter().filter(|it| is_xml(&it.content)) {
        let Some((text, _)) = xml::read(&member.content) else { continue };
        let part = name(member);
        let (owner, mut first) = (owner(&part), true);
        xml::visit(&text, &mut |tag| {
            let root = std::mem::take(&mut first);
            let by_root = BY_ROOT.iter().find(|(name, _)| root && *name == tag.name);
            if let Some((_, what)) = by_root {
                note(part.clone(), *what);
            }
            if owner.is_none() && part != TYPES {
                return ControlFlow::Break(());
            }
            match (&owner, tag.name) {
                (Some(owner), "Relationship") => {
                    let kinds: BTreeSet<String> = kinds_of(tag).collect();
                    for (_, what) in BY_LINK.iter().filter(|(name, _)| kinds.contains(*name)) {
                        tag.all("Target").for_each(|target| note(resolve(owner, &target), *what));
                    }
                }
                // Another part that says so says nothing, and could have any part deleted.
                (None, "Override") => {
                    let kinds: Vec<String> = tag.all("ContentType").map(|kind| kind.to_ascii_lowercase()).collect();
                    let what = [("macrosheet", Active::Xlm), ("vbaproject", Active::Vba)];
                    for (_, what) in what.iter().filter(|(name, _)| kinds.iter().any(|kind| kind.contains(name))) {
                        tag.all("PartName").for_each(|part| note(normal(&part), *what));
                    }
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }
    found
}

/// A member's name, as packages compare it.
fn name(member: &Member) -> String {
    normal(member.name.as_ref().map_or("", |name| name.raw()))
}

/// The document without the parts that change says go, and without active content of these kinds; and
/// what its name is to end with.
///
/// # Errors
/// As of a zip archive; [`DisarmError::Format`] for what is not handled.
pub(crate) fn edit(
    data: &[u8],
    members: &[Member],
    changes: &Changes,
    active: &BTreeSet<Active>,
) -> Result<(Vec<u8>, &'static str), DisarmError> {
    let files: Vec<&Member> = members.iter().filter(|it| it.role == Role::File && !it.hidden).collect();
    let mut changes = changes.clone();
    let binary = files.iter().any(|it| name(it).ends_with("/workbook.bin"));
    let holders = holders(&files, active);
    for member in &files {
        let part = name(member);
        let Some(what) = drops(&part, active).or_else(|| holders.get(&part).copied()) else { continue };
        let sheet = binary && what == Active::Xlm && name(member).ends_with(".bin");
        let empty = Change::Content { bytes: xlsb::EMPTY_SHEET.to_vec(), suffix: "" };
        changes.insert(member.index, if sheet { empty } else { Change::Remove });
    }
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for member in &files {
        if changes.get(&member.index) == Some(&Change::Remove) {
            gone.insert(name(member));
        }
    }
    // What goes takes its relationships with it.
    for member in &files {
        if owner(&name(member)).is_some_and(|owner| gone.contains(&owner)) {
            changes.insert(member.index, Change::Remove);
        }
    }
    let going: BTreeSet<u32> = changes.keys().copied().collect();
    let mut cut: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut suffix = "";
    for member in &files {
        if changes.contains_key(&member.index) {
            continue;
        }
        if !is_part(member) {
            continue;
        }
        let part = name(member);
        let new = if let Some(owner) = owner(&part) {
            let ids = cut.entry(owner.clone()).or_default();
            xml::rewrite(&member.content, &mut |tag| relationship(tag, &owner, &gone, active, ids))?
        } else if part == TYPES {
            xml::rewrite(&member.content, &mut |tag| content_type(tag, &gone, active, &mut suffix))?
        } else {
            None
        };
        put(&mut changes, member, new);
    }
    let unlinked = binary && gone.iter().any(|part| part.contains("/externallinks/"));
    elements(&files, &cut, binary.then_some(unlinked), active, &mut changes)?;
    if active.contains(&Active::Xlm) {
        texts(&files, &going, &mut changes)?;
    }
    Ok((zip::edit(data, &changes)?, suffix))
}

/// Whether a part is XML; one that begins with the same bytes may be a picture.
fn is_part(member: &Member) -> bool {
    let part = name(member);
    let named = [".xml", ".rels", ".vml"].iter().any(|end| part.ends_with(end));
    is_xml(&member.content) && (named || xml::holds_markup(&member.content))
}

/// Shared strings that only sheets show which go become blank.
fn texts(files: &[&Member], going: &BTreeSet<u32>, changes: &mut Changes) -> Result<(), DisarmError> {
    let (mut dead, mut live, mut tables) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for member in files.iter().filter(|_| !going.is_empty()) {
        let goes = going.contains(&member.index);
        match shared::kind(&member.content) {
            Some(shared::Kind::Sheet) => shared::shown(&member.content, if goes { &mut dead } else { &mut live }),
            Some(shared::Kind::Strings) if !changes.contains_key(&member.index) => tables.push(member),
            _ => {}
        }
    }
    dead.retain(|number| !live.contains(number));
    for table in tables.into_iter().filter(|_| !dead.is_empty()) {
        put(changes, table, shared::without(&table.content, &dead)?);
    }
    Ok(())
}

/// Changes the parts that stay: what names a relationship of `cut` goes, and elements that act. `binary`: it is a
/// workbook in binary form, and whether links in it go.
fn elements(
    files: &[&Member],
    cut: &BTreeMap<String, BTreeSet<String>>,
    binary: Option<bool>,
    active: &BTreeSet<Active>,
    changes: &mut Changes,
) -> Result<(), DisarmError> {
    let none = BTreeSet::new();
    let is_book = |part: &str| part.ends_with("/workbook.bin");
    let book = files.iter().find(|it| is_book(&name(it))).filter(|_| binary == Some(true));
    let places = book.map(|book| xlsb::links_out(&book.content)).transpose()?;
    for member in files {
        let part = name(member);
        if changes.contains_key(&member.index) || owner(&part).is_some() || part == TYPES {
            continue;
        }
        let ids = cut.get(&part).unwrap_or(&none);
        let new = if is_part(member) {
            let (text, recoded) = xml::read(&member.content).ok_or(DisarmError::Format)?;
            let elements = Elements::new(&text, ids, active);
            xml::rewrite_text(&text, recoded, &mut |tag| elements.decide(tag))?
        } else {
            let names = active.contains(&Active::Xlm) && is_book(&part);
            let links = places.as_ref().filter(|_| is_book(&part) || part.contains("sheets/"));
            let looked = binary.is_some() && part.ends_with(".bin") && (names || links.is_some() || !ids.is_empty());
            let goes = xlsb::Goes { ids: ids.clone(), names, links };
            if looked { xlsb::edit(&member.content, &goes)? } else { None }
        };
        put(changes, member, new);
    }
    Ok(())
}

fn put(changes: &mut Changes, member: &Member, new: Option<Vec<u8>>) {
    if let Some(bytes) = new {
        changes.insert(member.index, Change::Content { bytes, suffix: "" });
    }
}

/// Decides about a relationship; notes the names of those that go.
fn relationship(
    tag: &Tag<'_>,
    owner: &str,
    gone: &BTreeSet<String>,
    active: &BTreeSet<Active>,
    ids: &mut BTreeSet<String>,
) -> Fate {
    if tag.name != "Relationship" {
        return Fate::Keep;
    }
    let targets: Vec<_> = tag.all("Target").take(MAX_SAME.saturating_add(1)).collect();
    let kinds: Vec<String> = kinds_of(tag).take(MAX_SAME.saturating_add(1)).collect();
    let external = tag.all("TargetMode").any(|mode| mode.eq_ignore_ascii_case("external"));
    // A file that a click on a shape opens, beside the document or on the reader's disk, whatever type it has.
    let shape = owner.starts_with("ppt/") || owner.contains("/drawings/");
    let leads = |target: &str| {
        let acts = kinds.iter().filter_map(|kind| outside(kind, target));
        let mut acts = acts.filter(|_| external || is_outside(None, target));
        let runs = shape && active.contains(&Active::Launch) && starts_program(target);
        gone.contains(&resolve(owner, target)) || acts.any(|what| active.contains(&what)) || runs
    };
    // What bears more than anyone compares is no relationship of a document.
    let more = targets.len().max(kinds.len()) > MAX_SAME;
    if !more && !targets.iter().any(|target| leads(target)) {
        return Fate::Keep;
    }
    ids.extend(tag.all("Id").map(|id| id.into_owned()));
    Fate::Drop
}

/// What a relationship is: the end of its type.
fn kinds_of(tag: &Tag<'_>) -> impl Iterator<Item = String> {
    tag.all("Type").map(|kind| kind.rsplit('/').next().unwrap_or("").to_ascii_lowercase())
}

/// Decides about a content type.
fn content_type(tag: &Tag<'_>, gone: &BTreeSet<String>, active: &BTreeSet<Active>, suffix: &mut &'static str) -> Fate {
    if tag.all("PartName").any(|part| gone.contains(&normal(&part))) {
        return Fate::Drop;
    }
    if !active.contains(&Active::Vba) {
        return Fate::Keep;
    }
    let kinds: BTreeSet<String> = tag.all("ContentType").map(|kind| kind.to_ascii_lowercase()).collect();
    let other = |kind: &str| tag.with("ContentType", kind).map_or(Fate::Drop, Fate::Tag);
    if kinds.iter().any(|kind| kind.contains("vbaproject")) {
        return other("application/octet-stream");
    }
    let Some((_, plain, end)) = MACROS.iter().find(|(with, ..)| kinds.contains(*with)) else { return Fate::Keep };
    *suffix = end;
    other(&format!("application/vnd.openxmlformats-officedocument.{plain}.main+xml"))
}
