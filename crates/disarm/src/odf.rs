//! OpenDocument without active content (ODF 1.3): libraries of macros and scripts go with their entries
//! in the manifest, and so do event handlers, DDE, linked content and embedded OLE objects. All other
//! parts are copied as they stand. Encrypted documents are refused.

use std::collections::BTreeSet;

use mail::evidence::{Active, FileKind, Role};
use unpack::Member;

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
    for member in
        files.iter().filter(|it| !changes.contains_key(&it.index) && it.content.trim_ascii_start().starts_with(b"<"))
    {
        let text = std::str::from_utf8(&member.content).map_err(|_| DisarmError::Format)?;
        let edited = xml::edit(text, &mut |tag| element(tag, &gone, active)).ok_or(DisarmError::NotSound)?;
        if edited != text {
            new.push((member.index, Change::Content { bytes: edited.into_bytes(), suffix: "" }));
        }
    }
    changes.extend(new);
    zip::edit(data, &changes)
}

fn element(tag: &Tag<'_>, gone: &BTreeSet<String>, active: &BTreeSet<Active>) -> Fate {
    let has = |what| active.contains(&what);
    let scripts = has(Active::Script) || has(Active::Vba);
    let target = || tag.get("href").unwrap_or_default();
    let leads_out = || target().contains("://") || target().starts_with("//") || target().starts_with("\\\\");
    let goes = match tag.name {
        "file-entry" => tag
            .get("full-path")
            .is_some_and(|path| gone.contains(path.as_ref()) || path.ends_with('/') && drops(&path, active).is_some()),
        "event-listener" | "event-listeners" | "scripts" | "script" | "script-data" => scripts,
        "dde-connection-decls" | "dde-connection" | "dde-source" | "dde-link" | "dde-links" => has(Active::Dde),
        "object-ole" => gone.contains(target().trim_start_matches("./")),
        "section-source" | "table-source" | "object" | "template" | "floating-frame" | "plugin" | "applet" => {
            has(Active::RemoteTemplate) && leads_out()
        }
        _ => false,
    };
    if goes { Fate::Drop } else { Fate::Keep }
}
