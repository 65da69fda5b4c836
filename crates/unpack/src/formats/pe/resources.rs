//! The resources of a program (PE/COFF 11.0, section 6.9): three levels of types, names and languages.
//!
//! Limits: [`MAX_ENTRIES`] of all levels. Bytes are not read twice: a resource that another one has given
//! is passed over.

use std::collections::BTreeSet;

use mail::evidence::FileKind;

use super::Part;
use super::header::Program;
use crate::bytes::{between, le16, le32};

/// Most entries of the three levels together.
const MAX_ENTRIES: usize = 8192;
/// Levels of the tree.
const LEVELS: u32 = 3;

/// Resources that are files of a kind that is known.
pub(super) fn find(data: &[u8], program: &Program, most: usize) -> Vec<Part> {
    let (address, size) = program.resources;
    let Some(root) = program.place(address).filter(|_| size > 0) else { return Vec::new() };
    let tree = between(data, root, data.len());
    let mut found: Vec<Part> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut todo: Vec<(usize, u32, String)> = vec![(0, 0, String::new())];
    let mut entries = 0_usize;
    while let Some((at, level, name)) = todo.pop() {
        let count = |at: usize| usize::from(le16(tree, at).unwrap_or(0));
        let all = count(at.saturating_add(12)).saturating_add(count(at.saturating_add(14)));
        for entry in (0..all).map(|index| at.saturating_add(16).saturating_add(index.saturating_mul(8))) {
            entries = entries.saturating_add(1);
            let (Some(id), Some(place)) = (le32(tree, entry), le32(tree, entry.saturating_add(4))) else { break };
            if entries > MAX_ENTRIES || found.len() >= most {
                return found;
            }
            let named = if level < 2 { format!("{name}{}/", word(tree, id)) } else { name.clone() };
            if place >> 31 == 1 {
                let below = (place & 0x7fff_ffff) as usize;
                if level.saturating_add(1) < LEVELS && seen.insert((below, level)) {
                    todo.push((below, level.saturating_add(1), named));
                }
                continue;
            }
            found.extend(
                leaf(data, program, tree, place as usize, &named)
                    .filter(|part| seen.insert((part.range.start, u32::MAX))),
            );
        }
    }
    found
}

/// A number, or a name in UTF-16.
fn word(tree: &[u8], id: u32) -> String {
    if id >> 31 == 0 {
        return id.to_string();
    }
    let at = (id & 0x7fff_ffff) as usize;
    let length = usize::from(le16(tree, at).unwrap_or(0)).min(64);
    let start = at.saturating_add(2);
    let units = between(tree, start, start.saturating_add(length.saturating_mul(2))).chunks_exact(2);
    let units: Vec<u16> = units.filter_map(|pair| pair.try_into().ok()).map(u16::from_le_bytes).collect();
    String::from_utf16_lossy(&units)
}

/// A resource, if it is a file of a kind that is worth a look of its own.
fn leaf(data: &[u8], program: &Program, tree: &[u8], at: usize, name: &str) -> Option<Part> {
    let (address, size) = (le32(tree, at)? as usize, le32(tree, at.saturating_add(4))? as usize);
    let start = program.place(address)?;
    let range = start..start.saturating_add(size).min(data.len());
    let kind = crate::detect(between(data, range.start, range.end));
    let plain = matches!(
        kind,
        FileKind::Empty | FileKind::Unknown | FileKind::Text | FileKind::Xml | FileKind::Image | FileKind::Media
    );
    (!plain).then(|| Part { name: name.trim_end_matches('/').to_owned(), range })
}
