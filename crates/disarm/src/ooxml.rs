//! Office Open XML without active content (ECMA-376): parts that hold it go, with the relationships that
//! lead to them, the elements that name those relationships, and their content types. All other parts
//! are copied as they stand.
//!
//! A document that was declared as one with macros is declared as one without, and its name ends
//! accordingly. What of the elements goes: `ooxml_elements.rs`; a field that acts loses its code and keeps what
//! it shows. Not handled, and refused: parts in other character sets than UTF-8.

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::{Active, Role};
use unpack::Member;
use unpack::formats::ooxml::names::{normal, owner, resolve};

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
/// Relationships by which content outside is only shown or clicked.
const SHOWN: [&str; 5] = ["hyperlink", "image", "video", "audio", "media"];

/// With which of these kinds of active content a part goes; `None`: it stays.
pub(crate) fn drops(name: &str, active: &BTreeSet<Active>) -> Option<Active> {
    let name = normal(name);
    let holds = |folder: &str| name.contains(folder);
    let kinds: &[Active] = match () {
        () if holds("vbaproject") || name.ends_with("vbadata.xml") => &[Active::Vba],
        () if holds("/macrosheets/") => &[Active::Xlm],
        () if holds("/activex/") || holds("/ctrlprops/") => &[Active::ActiveX],
        () if holds("/embeddings/") => &[Active::OlePackage],
        () if holds("/externallinks/") => &[Active::Dde, Active::RemoteTemplate],
        () if name.starts_with("customui/") => &[Active::Script, Active::Vba],
        () => &[],
    };
    kinds.iter().copied().find(|what| active.contains(what))
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
    for member in &files {
        let Some(what) = drops(&name(member), active) else { continue };
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
    let mut cut: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut suffix = "";
    for member in &files {
        if changes.contains_key(&member.index) {
            continue;
        }
        if is_wide(member) {
            return Err(DisarmError::Format);
        }
        if !is_xml(member) {
            continue;
        }
        let part = name(member);
        let new = if let Some(owner) = owner(&part) {
            let ids = cut.entry(owner.clone()).or_default();
            rewrite(member, &mut |tag| relationship(tag, &owner, &gone, active, ids))?
        } else if part == "[content_types].xml" {
            rewrite(member, &mut |tag| content_type(tag, &gone, active, &mut suffix))?
        } else {
            None
        };
        put(&mut changes, member, new);
    }
    let unlinked = binary && gone.iter().any(|part| part.contains("/externallinks/"));
    elements(&files, &cut, binary.then_some(unlinked), active, &mut changes)?;
    if active.contains(&Active::Xlm) {
        texts(&files, &mut changes);
    }
    Ok((zip::edit(data, &changes)?, suffix))
}

/// Whether a part is XML.
fn is_xml(member: &Member) -> bool {
    member.content.trim_ascii_start().starts_with(b"<") || member.content.starts_with(b"\xef\xbb\xbf<")
}

/// Shared strings that only sheets of macros show become blank.
fn texts(files: &[&Member], changes: &mut Changes) {
    let (mut dead, mut live) = (BTreeSet::new(), BTreeSet::new());
    let sheets = files.iter().map(|it| (name(it), it)).filter(|(part, _)| part.contains("sheets/"));
    for (part, member) in sheets {
        shared::shown(&member.content, if part.contains("/macrosheets/") { &mut dead } else { &mut live });
    }
    dead.retain(|number| !live.contains(number));
    let tables = files.iter().filter(|it| name(it).contains("/sharedstrings."));
    for table in tables.filter(|_| !dead.is_empty()) {
        if !changes.contains_key(&table.index) {
            put(changes, table, shared::without(&table.content, &dead));
        }
    }
}

/// Whether a part is XML in another form than UTF-8.
fn is_wide(member: &Member) -> bool {
    let part = name(member);
    let named = [".xml", ".rels", ".vml"].iter().any(|end| part.ends_with(end));
    let starts = [&b"\xff\xfe"[..], b"\xfe\xff", b"<\0", b"\0<"];
    named && starts.iter().any(|start| member.content.starts_with(start))
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
        if changes.contains_key(&member.index) || owner(&part).is_some() || part == "[content_types].xml" {
            continue;
        }
        let ids = cut.get(&part).unwrap_or(&none);
        let new = if is_xml(member) {
            let text = std::str::from_utf8(&member.content).map_err(|_| DisarmError::Format)?;
            let mut elements = Elements::new(text, ids, active);
            rewrite(member, &mut |tag| elements.decide(tag))?
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

/// A part with its elements decided about; `None` when it stays as it is.
fn rewrite(member: &Member, decide: &mut dyn FnMut(&Tag<'_>) -> Fate) -> Result<Option<Vec<u8>>, DisarmError> {
    let text = std::str::from_utf8(&member.content).map_err(|_| DisarmError::Format)?;
    let new = xml::edit(text, decide).ok_or(DisarmError::NotSound)?;
    Ok((new != text).then(|| new.into_bytes()))
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
    let target = tag.get("Target").unwrap_or_default();
    let kind = tag.get("Type").unwrap_or_default().rsplit('/').next().unwrap_or("").to_ascii_lowercase();
    let external = tag.get("TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"))
        || target.contains("://")
        || target.starts_with("\\\\");
    let shown = SHOWN.contains(&kind.as_str());
    let web = ["http:", "https:", "mailto:"].iter().any(|scheme| target.to_ascii_lowercase().starts_with(scheme));
    let goes = gone.contains(&resolve(owner, &target))
        || external && !shown && active.contains(&Active::RemoteTemplate)
        || external && shown && !web && active.contains(&Active::Launch);
    if !goes {
        return Fate::Keep;
    }
    ids.extend(tag.get("Id").map(|id| id.into_owned()));
    Fate::Drop
}

/// Decides about a content type.
fn content_type(tag: &Tag<'_>, gone: &BTreeSet<String>, active: &BTreeSet<Active>, suffix: &mut &'static str) -> Fate {
    let Some(kind) = tag.get("ContentType") else { return Fate::Keep };
    if tag.get("PartName").is_some_and(|part| gone.contains(&normal(&part))) {
        return Fate::Drop;
    }
    if !active.contains(&Active::Vba) {
        return Fate::Keep;
    }
    let lower = kind.to_ascii_lowercase();
    if lower.contains("vbaproject") {
        return Fate::Tag(tag.whole.replace(kind.as_ref(), "application/octet-stream"));
    }
    let Some((_, plain, end)) = MACROS.iter().find(|(with, ..)| *with == lower) else { return Fate::Keep };
    *suffix = end;
    let plain = format!("application/vnd.openxmlformats-officedocument.{plain}.main+xml");
    Fate::Tag(tag.whole.replace(kind.as_ref(), &plain))
}
