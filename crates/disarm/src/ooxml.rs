//! Office Open XML without active content (ECMA-376): parts that hold it go, with the relationships that
//! lead to them, the elements that name those relationships, and their content types. All other parts
//! are copied as they stand.
//!
//! A document that was declared as one with macros is declared as one without, and its name ends
//! accordingly. A field with DDE loses its instruction and keeps its shown result. Not handled, and
//! refused: parts in other character sets than UTF-8, and in workbooks in binary form (xlsb) all but VBA.

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::{Active, Role};
use unpack::Member;

use crate::remove::{Change, Changes};
use crate::xml::{self, Fate, Tag};
use crate::{DisarmError, zip};

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

/// Whether a part goes with these kinds of active content.
pub(crate) fn drops(name: &str, active: &BTreeSet<Active>) -> bool {
    let name = normal(name);
    let has = |what| active.contains(&what);
    let holds = |folder: &str| name.contains(folder);
    has(Active::Vba) && (holds("vbaproject") || name.ends_with("vbadata.xml"))
        || has(Active::Xlm) && holds("/macrosheets/")
        || has(Active::ActiveX) && (holds("/activex/") || holds("/ctrlprops/"))
        || has(Active::OlePackage) && holds("/embeddings/")
        || (has(Active::Dde) || has(Active::RemoteTemplate)) && holds("/externallinks/")
        || (has(Active::Script) || has(Active::Vba)) && name.starts_with("customui/")
}

fn normal(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
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
    let name = |member: &Member| normal(member.name.as_ref().map_or("", |name| name.raw()));
    let mut changes = changes.clone();
    let goes = |member: &Member| drops(&name(member), active);
    changes.extend(files.iter().filter(|it| goes(it)).map(|it| (it.index, Change::Remove)));
    let mut gone: BTreeSet<String> = BTreeSet::new();
    for member in &files {
        if changes.get(&member.index) == Some(&Change::Remove) {
            gone.insert(name(member));
        }
    }
    // Sheets in binary form name what they refer to in records that are not changed here.
    let binary = files.iter().any(|it| name(it).ends_with("/workbook.bin"));
    let macros = |part: &String| part.contains("vbaproject") || part.ends_with("vbadata.xml");
    if binary && !gone.iter().all(macros) {
        return Err(DisarmError::Format);
    }
    // What goes takes its relationships with it.
    for member in &files {
        if owner(&name(member)).is_some_and(|owner| gone.contains(&owner)) {
            changes.insert(member.index, Change::Remove);
        }
    }
    let mut cut: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut suffix = "";
    let xml = |member: &&&Member| {
        member.content.trim_ascii_start().starts_with(b"<") || member.content.starts_with(b"\xef\xbb\xbf<")
    };
    for member in files.iter().filter(xml).filter(|it| !changes.contains_key(&it.index)).copied().collect::<Vec<_>>() {
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
    let none = BTreeSet::new();
    for member in files.iter().filter(xml).filter(|it| !changes.contains_key(&it.index)).copied().collect::<Vec<_>>() {
        let part = name(member);
        if owner(&part).is_some() || part == "[content_types].xml" {
            continue;
        }
        let ids = cut.get(&part).unwrap_or(&none);
        let dde = active.contains(&Active::Dde) && instructions(&member.content).contains("DDE");
        let new = rewrite(member, &mut |tag| element(tag, ids, active, dde))?;
        put(&mut changes, member, new);
    }
    Ok((zip::edit(data, &changes)?, suffix))
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

/// The part that a part of relationships belongs to.
fn owner(name: &str) -> Option<String> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let file = file.strip_suffix(".rels")?;
    Some(format!("{}{file}", folder.strip_suffix("_rels")?))
}

/// Where a target leads, seen from a part.
fn resolve(part: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    if target.starts_with('/') {
        return normal(&target);
    }
    let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." | "" => {}
            step => steps.push(step),
        }
    }
    normal(&steps.join("/"))
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

/// Decides about an element of any other part.
fn element(tag: &Tag<'_>, ids: &BTreeSet<String>, active: &BTreeSet<Active>, dde: bool) -> Fate {
    // What names a relationship that is gone goes too: programs take it for damage.
    if !ids.is_empty() && tag.attributes().any(|(name, value)| name.contains(':') && ids.contains(value.as_ref())) {
        return Fate::Drop;
    }
    let has = |what| active.contains(&what);
    let goes = match tag.name {
        "instrText" | "delInstrText" => dde,
        "fldSimple" => dde && tag.get("instr").is_some_and(|text| text.to_ascii_uppercase().contains("DDE")),
        "f" | "definedName" if has(Active::Dde) && tag.text.contains('|') => true,
        "f" | "definedName" if (has(Active::Dde) || has(Active::RemoteTemplate)) && names_book(tag.text) => true,
        "definedName" if has(Active::Xlm) => {
            let name = tag.get("name").unwrap_or_default().to_ascii_lowercase();
            name.contains("auto_") || tag.get("xlm").is_some() || tag.get("localSheetId").is_some()
        }
        _ => false,
    };
    if goes { Fate::Drop } else { Fate::Keep }
}

/// Whether a formula names another workbook by its number: `[1]`.
fn names_book(text: &str) -> bool {
    text.split('[')
        .skip(1)
        .any(|rest| rest.split_once(']').is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())))
}

/// All instructions of fields of a part, one after the other: they may be in pieces.
fn instructions(content: &[u8]) -> String {
    let mut all = String::new();
    if let Ok(text) = std::str::from_utf8(content) {
        xml::edit(text, &mut |tag| {
            match tag.name {
                "instrText" | "delInstrText" => all.push_str(&tag.text.to_ascii_uppercase()),
                "fldSimple" => all.push_str(&tag.get("instr").unwrap_or_default().to_ascii_uppercase()),
                _ => {}
            }
            Fate::Keep
        });
    }
    all
}
