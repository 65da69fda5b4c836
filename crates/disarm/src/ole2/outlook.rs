//! Items of Outlook (MS-OXMSG) without some of their attachments, or with other content in them.

use unpack::Budget;
use unpack::formats::ole2::rich_text as unpacked;

use super::tree::Tree;
use crate::DisarmError;
use crate::bytes::{fill, le32, put};
use crate::remove::Change;

/// The stream of properties of fixed size, and how the storage of an attachment starts.
const PROPERTIES: &str = "__properties_version1.0";
const ATTACHMENT: &str = "__attach_version1.0_";
/// The stream of an attachment's content, and of its long name.
const DATA: &str = "__substg1.0_37010102";
const LONG_NAME: &str = "__substg1.0_3707001f";
/// Texts that may be paths.
const TEXT: &str = "__substg1.0_";
const WIDE: &str = "001f";
/// Where the head of an item's properties counts attachments (2.4.1.1).
const COUNT: usize = 20;
/// The stream of a body in RTF.
const RICH_TEXT: &str = "__substg1.0_10090102";

/// Whether a storage is an item.
pub(super) fn is_item(tree: &Tree, storage: usize) -> bool {
    tree.find(storage, PROPERTIES).is_some() && !is_attachment(tree, storage)
}

fn is_attachment(tree: &Tree, storage: usize) -> bool {
    tree.node(storage).is_some_and(|node| node.lower.starts_with(ATTACHMENT))
}

/// Removes an attachment, if this storage is one; the item then counts one less.
pub(super) fn drop_attachment(tree: &mut Tree, storage: usize) -> bool {
    if !is_attachment(tree, storage) || !tree.remove(storage) {
        return false;
    }
    let item = tree.node(storage).map_or(0, |node| node.parent);
    if let Some(at) = tree.find(item, PROPERTIES) {
        let mut properties = tree.take(at);
        if let Some(count) = le32(&properties, COUNT).and_then(|count| count.checked_sub(1)) {
            put(&mut properties, COUNT, &count.to_le_bytes());
        }
        tree.put(at, properties);
    }
    true
}

/// Gives a stream other content; the properties beside it say its new size, and an attachment's name
/// gets an ending.
pub(super) fn replace(tree: &mut Tree, at: usize, bytes: &[u8], suffix: &str) {
    tree.put(at, bytes.to_vec());
    let Some(node) = tree.node(at) else { return };
    let (lower, parent) = (node.lower.clone(), node.parent);
    tell_size(tree, parent, &lower, bytes.len());
    let name = tree.find(parent, LONG_NAME).filter(|_| lower == DATA && !suffix.is_empty());
    if let Some(name) = name {
        let mut letters = tree.take(name);
        letters.extend(suffix.encode_utf16().flat_map(u16::to_le_bytes));
        let size = letters.len();
        tree.put(name, letters);
        // The end of a text counts, but is not written.
        tell_size(tree, parent, LONG_NAME, size.saturating_add(2));
    }
}

/// Puts the size of a property into the list beside it (2.4.2.2).
fn tell_size(tree: &mut Tree, storage: usize, name: &str, size: usize) {
    let Some(tag) = name.strip_prefix(TEXT).and_then(|tag| u32::from_str_radix(tag.get(..8)?, 16).ok()) else { return };
    let Some(list) = tree.find(storage, PROPERTIES) else { return };
    let mut properties = tree.take(list);
    // Heads are of 32, 24 or 8 bytes, entries of 16.
    for at in (8..properties.len()).step_by(8) {
        if le32(&properties, at) == Some(tag) {
            put(&mut properties, at.saturating_add(8), &u32::try_from(size).unwrap_or(0).to_le_bytes());
            break;
        }
    }
    tree.put(list, properties);
}

/// Makes a text that is a path to another machine empty of it.
pub(super) fn forget_path(tree: &mut Tree, at: usize, lower: &str) -> bool {
    let text = lower.starts_with(TEXT) && lower.ends_with(WIDE);
    let Some(node) = tree.node(at).filter(|node| text && node.content.starts_with(b"\\\0\\\0")) else { return false };
    let size = node.content.len();
    let mut content = tree.take(at);
    for letter in (0..size).step_by(2) {
        fill(&mut content, letter, letter.saturating_add(1), b' ');
        fill(&mut content, letter.saturating_add(1), letter.saturating_add(2), 0);
    }
    tree.put(at, content);
    true
}

/// Changes the body in RTF, which is compressed, if this is the one that holds `content`: it is written
/// again without compression. Whether it was.
pub(super) fn rich_text(
    tree: &mut Tree,
    at: usize,
    content: &[u8],
    change: &Change,
    budget: &mut Budget,
) -> Result<bool, DisarmError> {
    let Some(node) = tree.node(at).filter(|node| node.lower == RICH_TEXT) else { return Ok(false) };
    if unpacked(&node.content, budget).is_none_or(|text| text != content) {
        return Ok(false);
    }
    let Change::Content { bytes, .. } = change else {
        tree.remove(at);
        return Ok(true);
    };
    let size = |size: usize| u32::try_from(size).map_err(|_| DisarmError::TooLarge);
    let (whole, raw) = (size(bytes.len().saturating_add(12))?, size(bytes.len())?);
    let new = [&whole.to_le_bytes()[..], &raw.to_le_bytes(), b"MELA", &[0; 4], bytes].concat();
    replace(tree, at, &new, "");
    Ok(true)
}
