//! OpenDocument without active content (ODF 1.3): libraries of macros and scripts go with their entries
//! in the manifest, and so do event handlers, DDE, linked content and embedded OLE objects; links that act lose
//! their address and keep what they show; cells lose formulas that act and keep the value they last had. All other parts are copied as they stand. Encrypted documents are
//! refused. What an element does is told by the reader of `unpack`.

use std::collections::BTreeSet;

use mail::evidence::{Active, FileKind, Role};
use unpack::formats::odf::{acting, computing, formulas};
use unpack::{Member, is_xml};

use crate::remove::{Change, Changes};
use crate::xml::{self, Fate, Tag};
use crate::{DisarmError, zip};

/// With which of these kinds of active content a part goes; `None`: it stays.
pub(crate) fn drops(name: &str, active: &BTreeSet<Active>) -> Option<Active> {
    let name = name.trim_start_matches('/').to_ascii_lowercase();
    let holds = ["basic/", "scripts/", "dialogs/"].iter().any(|folder| name.starts_with(folder));
    [Active::Script, Active::Vba].into_iter().find(|what| holds && active.contains(what))
}

/// The document without the parts that change says go, and without active content of these kinds.
///
/// # Errors
/// As of a zip archive; [`DisarmError::Encrypted`].
pub(crate) fn edit(
    data: &[u8],
    members: &[Member],
    changes: &Changes,
    active: &BTreeSet<Active>,
) -> Result<Vec<u8>, DisarmError> {
    let files: Vec<&Member> = members.iter().filter(|it| it.role == Role::File && !it.hidden).collect();
    if files.iter().any(|it| it.opened_with.is_some() || !it.problems.is_empty()) {
        return Err(DisarmError::Encrypted);
    }
    let name = |member: &Member| member.name.as_ref().map_or("", |name| name.raw()).to_owned();
    let mut changes = changes.clone();
    let ole =
        |member: &Member| active.contains(&Active::OlePackage) && unpack::detect(&member.content) == FileKind::Ole2;
    for member in &files {
        if drops(&name(member), active).is_some() || ole(member) {
            changes.insert(member.index, Change::Remove);
        }
    }
    let goes = |member: &&&Member| changes.get(&member.index) == Some(&Change::Remove);
    let gone: BTreeSet<String> = files.iter().filter(goes).map(|it| name(it)).collect();
    let mut new = Vec::new();
    for member in files.iter().filter(|it| !changes.contains_key(&it.index) && is_xml(&it.content)) {
        if !xml::holds_markup(&member.content) {
            if is_part(&name(member)) {
                return Err(DisarmError::Format);
            }
            continue;
        }
        if let Some(bytes) = xml::rewrite(&member.content, &mut |tag| element(tag, &gone, active))? {
            new.push((member.index, Change::Content { bytes, suffix: "" }));
        }
    }
    changes.extend(new);
    zip::edit(data, &changes)
}

/// Whether a part is XML by its name.
fn is_part(name: &str) -> bool {
    [".xml", ".rdf"].iter().any(|end| name.to_ascii_lowercase().ends_with(end))
}

/// Elements that go as a whole when what they show is loaded from elsewhere; others only lose the address.
const LOADERS: [&str; 7] =
    ["section-source", "table-source", "object", "template", "floating-frame", "plugin", "applet"];

/// What becomes of an element; `gone`: parts that are gone.
pub(crate) fn element(tag: &Tag<'_>, gone: &BTreeSet<String>, active: &BTreeSet<Active>) -> Fate {
    let has = |what| active.contains(&what);
    let scripts = has(Active::Script) || has(Active::Vba);
    let goes = match tag.name {
        "file-entry" => tag
            .all("full-path")
            .any(|path| gone.contains(path.as_ref()) || path.ends_with('/') && drops(&path, active).is_some()),
        "event-listener" | "event-listeners" | "scripts" | "script" | "script-data" | "module" | "source-code" => {
            scripts
        }
        "dde-connection-decls" | "dde-connection" | "dde-link" | "dde-links" => has(Active::Dde),
        "object-ole" => tag.all("href").any(|target| gone.contains(target.trim_start_matches("./"))),
        _ => false,
    };
    if goes {
        return Fate::Drop;
    }
    let all = |name: &str| tag.all(name).collect();
    let (does, computes) = (acting(tag.name, &all), computing(tag.name, &all));
    if computes.iter().any(|(what, _)| has(*what)) {
        // A cell keeps its value, a list of conditions goes without this one.
        let stays = matches!(tag.name, "table-cell" | "covered-table-cell" | "change-track-table-cell");
        let stays = (stays || tag.name == "content-validation") && !does.iter().any(|(what, _)| has(*what));
        let new = Some(tag).filter(|_| stays).and_then(|tag| tag.without(formulas(tag.name)));
        return new.map_or(Fate::Drop, Fate::Tag);
    }
    match does.iter().map(|(what, _)| *what).find(|what| has(*what)) {
        None => Fate::Keep,
        Some(Active::Dde) => Fate::Drop,
        Some(_) if LOADERS.contains(&tag.name) || matches!(tag.name, "event-listener" | "event") => Fate::Drop,
        // It keeps what it shows.
        Some(_) => match tag.with("href", "") {
            Some(new) => Fate::Tag(new),
            None => Fate::Drop,
        },
    }
}
