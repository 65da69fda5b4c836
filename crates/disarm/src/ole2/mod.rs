//! Compound files without active content: documents, workbooks and presentations of Office 97 to 2003,
//! and items of Outlook.
//!
//! What goes is a storage or stream as a whole, or records and letters within the main stream, changed by
//! the files beside this one. Then the file is written anew, so that nothing of what went is left in
//! freed sectors. Refused: what is damaged or encrypted, and documents before Office 95, whose macros
//! stand in their main stream. Not handled: signatures, which no longer fit.

mod excel;
mod outlook;
mod slides;
mod strings;
mod tree;
mod word;
mod write;

use std::collections::BTreeSet;

use mail::evidence::Active;
use memchr::memmem;
use unpack::formats::ole2::{holds_source, link_targets, listed_modules};
use unpack::{Budget, Member};

use crate::DisarmError;
use crate::bytes::fill;
use crate::remove::{Change, Changes};
use tree::Tree;

/// Storages of macros.
const MACROS: [&str; 3] = ["macros", "vba", "_vba_project_cur"];
/// How every source of Visual Basic begins, behind the first flags of its compressed form.
const ATTRIBUTE: &[u8] = b"\0Attribut";
/// Streams in which a summary of a document tells its template.
const SUMMARY: &str = "\u{5}summaryinformation";
/// The stream in which a summary lists where links lead.
const LIST: &str = "\u{5}documentsummaryinformation";

/// The file without the parts that change says go, and without active content of these kinds.
///
/// # Errors
/// [`DisarmError::NothingToRemove`], [`DisarmError::NotSound`], [`DisarmError::Encrypted`], and
/// [`DisarmError::Format`] where it is not known in what a part stands.
pub(crate) fn edit(
    data: &[u8],
    members: &[Member],
    changes: &Changes,
    active: &BTreeSet<Active>,
    budget: &mut Budget,
) -> Result<Vec<u8>, DisarmError> {
    let mut tree = Tree::read(data)?;
    let mut changed = false;
    for member in members {
        match changes.get(&member.index) {
            // What no list tells of is not written again.
            Some(_) if member.hidden => changed = true,
            Some(change) => {
                part(&mut tree, &member.content, change, budget)?;
                changed = true;
            }
            None => {}
        }
    }
    for at in 1..tree.nodes.len() {
        changed |= outer(&mut tree, at, active);
    }
    tree.settle();
    for at in 1..tree.nodes.len() {
        if tree.node(at).is_some_and(|node| node.stream && !node.gone) {
            changed |= inner(&mut tree, at, active, budget)?;
        }
    }
    let main = |it: &tree::Node| !it.gone && is_main(&it.lower) && holds_source(&it.content);
    if active.contains(&Active::Vba) && tree.nodes.iter().any(main) {
        // There is no place in it that could be cut out.
        return Err(DisarmError::Format);
    }
    if !changed {
        return Err(DisarmError::NothingToRemove);
    }
    tree.settle();
    if tree.nodes.iter().skip(1).all(|node| node.gone || !node.stream) {
        return Err(DisarmError::NothingLeft);
    }
    write::write(&tree)
}

/// Whether a storage holds an object of a document: in the pool of Word, or by a name of Excel.
fn is_object(lower: &str) -> bool {
    let numbered = |start: &str| {
        lower
            .strip_prefix(start)
            .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    lower == "objectpool" || numbered("mbd") || numbered("lnk")
}

/// Says what goes by its name; whether anything does.
fn outer(tree: &mut Tree, at: usize, active: &BTreeSet<Active>) -> bool {
    let has = |what| active.contains(&what);
    let Some(node) = tree.node(at) else { return false };
    let (lower, parent) = (node.lower.as_str(), node.parent);
    // An object goes as a whole; at the root there is nothing but its streams.
    let holder = if parent == 0 { at } else { parent };
    let goes = match (node.stream, lower) {
        (false, name) if has(Active::Vba) && MACROS.contains(&name) => Some(at),
        (false, name) if has(Active::OlePackage) && is_object(name) => Some(at),
        (true, "_vba_project") if has(Active::Vba) => Some(holder),
        // By whatever name the storage has.
        (true, "dir") if has(Active::Vba) && !listed_modules(&node.content).is_empty() => Some(holder),
        (true, "project" | "projectwm" | "projectlk") if has(Active::Vba) && tree.find(parent, "vba").is_some() => {
            Some(at)
        }
        (true, "\u{1}ole10native" | "equation native") if has(Active::OlePackage) => Some(holder),
        (true, "\u{3}ocxname") if has(Active::ActiveX) => Some(holder),
        (true, "ctls") if has(Active::ActiveX) => Some(at),
        (true, "\u{1}ole") if has(Active::RemoteTemplate) && holds_link(link_targets(&node.content)) => Some(holder),
        (true, _) if has(Active::Vba) && !is_main(lower) && memmem::find(&node.content, ATTRIBUTE).is_some() => {
            Some(at)
        }
        _ => None,
    };
    goes.is_some_and(|at| tree.remove(at))
}

/// Whether links were found, or may be where it was not looked.
fn holds_link<T>((links, over): (Vec<T>, bool)) -> bool {
    over || !links.is_empty()
}

fn is_main(lower: &str) -> bool {
    matches!(lower, "worddocument" | "workbook" | "book" | "powerpoint document")
}

/// Changes what is in a stream; whether anything changed.
fn inner(tree: &mut Tree, at: usize, active: &BTreeSet<Active>, budget: &mut Budget) -> Result<bool, DisarmError> {
    let Some(node) = tree.node(at) else { return Ok(false) };
    let (lower, parent) = (node.lower.clone(), node.parent);
    match lower.as_str() {
        "encryptedpackage" => Err(DisarmError::Encrypted),
        "worddocument" => {
            let Some((name, remote)) = word::tables(&node.content)? else { return Ok(false) };
            let table = tree.find(parent, name).ok_or(DisarmError::NotSound)?;
            let (mut main, mut beside) = (tree.take(at), tree.take(table));
            let (mut changed, template) = word::edit(&mut main, &mut beside, active)?;
            tree.put(at, main);
            tree.put(table, beside);
            if let Some(data) = tree.find(parent, "data").filter(|_| active.contains(&Active::Launch)) {
                let mut content = tree.take(data);
                changed |= word::forget_links(&mut content)?;
                tree.put(data, content);
            }
            if let (Some(template), Some(summary)) = (template.filter(|_| remote), tree.find(parent, SUMMARY)) {
                let mut content = tree.take(summary);
                blank(&mut content, &template);
                tree.put(summary, content);
            }
            Ok(changed)
        }
        "workbook" | "book" => {
            let content = tree.take(at);
            let new = excel::edit(&content, active)?;
            let changed = new.is_some();
            tree.put(at, new.unwrap_or(content));
            Ok(changed)
        }
        "powerpoint document" => {
            let user = tree.find(parent, "current user").and_then(|at| tree.node(at));
            if user.is_some_and(|user| slides::is_encrypted(&user.content)) {
                return Err(DisarmError::Encrypted);
            }
            let mut content = tree.take(at);
            let changed = slides::edit(&mut content, active, None, budget)?;
            tree.put(at, content);
            Ok(changed)
        }
        LIST if active.contains(&Active::Launch) => {
            let mut content = tree.take(at);
            let changed = word::forget_links(&mut content);
            tree.put(at, content);
            changed
        }
        name => Ok(active.contains(&Active::OpenUri) && outlook::forget_path(tree, at, name)),
    }
}

/// Writes blanks over a text, in letters of one byte and of two.
fn blank(content: &mut [u8], text: &str) {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (needle, step) in [(text.as_bytes(), 1), (&wide[..], 2)] {
        let found: Vec<usize> = memmem::find_iter(content, needle).collect();
        for start in found.into_iter().filter(|_| !needle.is_empty()) {
            for at in (start..start.saturating_add(needle.len())).step_by(step) {
                fill(content, at, at.saturating_add(1), b' ');
            }
        }
    }
}

/// Does what is to be done about one part, by its content.
fn part(tree: &mut Tree, content: &[u8], change: &Change, budget: &mut Budget) -> Result<(), DisarmError> {
    if content.is_empty() {
        return Err(DisarmError::Format);
    }
    budget.burn(tree.nodes.iter().map(|node| node.content.len() as u64).sum()).map_err(|_| DisarmError::Limit)?;
    let mut found = false;
    for at in 1..tree.nodes.len() {
        let Some(node) = tree.node(at).filter(|node| node.stream && !node.gone) else { continue };
        let same = node.content == content;
        let holds = same || memmem::find(&node.content, content).is_some();
        let (parent, main) = (node.parent, is_main(&node.lower));
        match change {
            _ if main && node.lower == "powerpoint document" => {
                let mut stream = tree.take(at);
                let blanked = slides::edit(&mut stream, &BTreeSet::new(), Some(content), budget);
                tree.put(at, stream);
                match blanked? {
                    true => found = true,
                    // It is the text of the document itself.
                    false if holds => return Err(DisarmError::Format),
                    false => {}
                }
            }
            // It is the text of the document itself.
            _ if main && holds => return Err(DisarmError::Format),
            Change::Content { bytes, suffix } if same => {
                outlook::replace(tree, at, bytes, suffix);
                found = true;
            }
            _ if holds => {
                found = true;
                let object = tree
                    .node(parent)
                    .filter(|_| parent > 0)
                    .is_some_and(|node| !outlook::is_item(tree, parent) && !MACROS.contains(&node.lower.as_str()));
                match outlook::drop_attachment(tree, parent) {
                    true => {}
                    false if object => drop(tree.remove(parent)),
                    false => drop(tree.remove(at)),
                }
            }
            _ => found |= outlook::rich_text(tree, at, content, change, budget)?,
        }
    }
    if found { Ok(()) } else { Err(DisarmError::Format) }
}
