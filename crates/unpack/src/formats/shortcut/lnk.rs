//! Windows shortcuts (MS-SHLLINK): the command that they run, the icon that they load from elsewhere,
//! and what is appended to them.
//!
//! Limits: [`MAX_TEXT`], [`MAX_ITEMS`], [`MAX_BLOCKS`]. Of the target's item list only the names are
//! read. Not handled: console and tracker properties, the property store.

use mail::evidence::{Active, Role, UnscannedReason};

use crate::budget::Budget;
use crate::bytes::{between, le16, le32, take};
use crate::container::Container;
use crate::formats::html::{File, Found, finish_with};

/// Longest text of a field that is kept, in characters.
const MAX_TEXT: usize = 32 * 1024;
/// Most items of a target.
const MAX_ITEMS: usize = 64;
/// Most blocks of extra data.
const MAX_BLOCKS: usize = 64;
/// Length of the header, in bytes.
const HEADER: usize = 76;
/// Shortest appended data that is a file of its own, in bytes.
const MIN_APPENDED: usize = 16;

/// What a shortcut says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Link {
    /// Its target, from wherever it is told.
    target: String,
    name: String,
    directory: String,
    arguments: String,
    icon: String,
    /// Where it ends.
    end: usize,
    /// Its parts contradict its size.
    damaged: bool,
}

/// Opens a shortcut.
pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Option<Box<dyn Container>> {
    let link = read(data);
    let mut found = Found::default();
    let command = format!("{} {}", link.target, link.arguments);
    found.acts(Active::CommandLine, command.trim());
    if link.icon.starts_with("\\\\") || link.icon.contains("://") {
        found.opens(&link.icon);
    }
    for text in [&link.name, &link.directory] {
        found.text(text);
    }
    let appended = between(data, link.end, data.len());
    if appended.len() >= MIN_APPENDED && !link.damaged {
        found.file(File { name: None, declared: None, role: Role::File, content: appended.to_vec() });
    }
    let problems = if link.damaged { vec![UnscannedReason::Damaged] } else { Vec::new() };
    finish_with(found, problems, data.len(), budget)
}

fn read(data: &[u8]) -> Link {
    let mut link = Link::default();
    let flags = le32(data, 20).unwrap_or(0);
    let has = |bit: u32| flags & bit != 0;
    let mut at = HEADER;
    if has(0x01) {
        let size = usize::from(le16(data, at).unwrap_or(0));
        link.target = items(between(data, at.saturating_add(2), at.saturating_add(2).saturating_add(size)));
        at = at.saturating_add(2).saturating_add(size);
    }
    if has(0x02) {
        let size = le32(data, at).and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
        let info = between(data, at, at.saturating_add(size));
        if let Some(path) = local_path(info).filter(|path| !path.is_empty()) {
            link.target = path;
        }
        at = at.saturating_add(size);
    }
    let wide = has(0x80);
    let mut relative = String::new();
    for bit in [0x04, 0x08, 0x10, 0x20, 0x40] {
        if !has(bit) {
            continue;
        }
        let Some(count) = le16(data, at).map(usize::from) else {
            link.damaged = true;
            break;
        };
        let size = if wide { count.saturating_mul(2) } else { count };
        at = at.saturating_add(2);
        let Some(raw) = take(data, at, size) else {
            link.damaged = true;
            break;
        };
        at = at.saturating_add(size);
        let value = text(raw, wide);
        *match bit {
            0x04 => &mut link.name,
            0x08 => &mut relative,
            0x10 => &mut link.directory,
            0x20 => &mut link.arguments,
            _ => &mut link.icon,
        } = value;
    }
    if link.target.is_empty() {
        link.target = relative;
    }
    link.end = extra(data, at, &mut link);
    link.damaged |= link.end > data.len();
    link
}

/// Blocks of extra data, and where they end.
fn extra(data: &[u8], from: usize, link: &mut Link) -> usize {
    let mut at = from;
    for _ in 0..MAX_BLOCKS {
        let Some(size) = le32(data, at).and_then(|size| usize::try_from(size).ok()) else { return at };
        if size < 4 {
            return at.saturating_add(4);
        }
        // What is no block is appended already.
        let signature = le32(data, at.saturating_add(4)).unwrap_or(0);
        let Some(block) = take(data, at, size).filter(|_| signature >> 16 == 0xa000) else { return at };
        let wide = || text(between(block, 268, 788), true);
        match signature {
            0xa000_0001 => {
                let path = wide();
                let path = if path.is_empty() { text(between(block, 8, 268), false) } else { path };
                if !path.is_empty() {
                    link.target = path;
                }
            }
            0xa000_0007 => {
                let path = wide();
                if !path.is_empty() {
                    link.icon = path;
                }
            }
            _ => {}
        }
        at = at.saturating_add(size);
    }
    at
}

/// The base path and its end in the link information.
fn local_path(info: &[u8]) -> Option<String> {
    let offset = |at: usize| le32(info, at).and_then(|at| usize::try_from(at).ok()).filter(|at| *at > 0);
    let string = |at: Option<usize>| at.map(|at| text(between(info, at, info.len()), false)).unwrap_or_default();
    let (base, suffix) = (string(offset(16)), string(offset(24)));
    if base.is_empty() {
        // A share: its name stands 20 bytes into the network block at most.
        let network = offset(20)?;
        let name = le32(info, network.saturating_add(8)).and_then(|at| usize::try_from(at).ok())?;
        let share = string(Some(network.saturating_add(name)));
        return Some(if suffix.is_empty() { share } else { format!("{share}\\{suffix}") });
    }
    Some(base + &suffix)
}

/// The names in a target's items, as a path.
fn items(list: &[u8]) -> String {
    let mut names = Vec::new();
    let mut at = 0_usize;
    for _ in 0..MAX_ITEMS {
        let Some(size) = le16(list, at).map(usize::from).filter(|size| *size > 2) else { break };
        let item = between(list, at.saturating_add(2), at.saturating_add(size));
        at = at.saturating_add(size);
        // A drive; a file or folder by its short name, behind which the long one may stand.
        let name = match item.first() {
            Some(0x20..=0x2f) => text(between(item, 1, item.len()), false),
            Some(kind @ 0x30..=0x3f) => {
                let short = || text(between(item, 12, item.len()), kind & 4 != 0);
                long_name(item).unwrap_or_else(short)
            }
            _ => continue,
        };
        if !name.is_empty() {
            names.push(name.trim_end_matches('\\').to_owned());
        }
    }
    names.join("\\")
}

/// The long name in an item: the longest run of UTF-16 letters in its extension block.
fn long_name(item: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(item, b"\x04\0\xef\xbe")?;
    let block = between(item, at.saturating_add(4), item.len());
    let mut best: Vec<u16> = Vec::new();
    for start in [0_usize, 1] {
        let mut run: Vec<u16> = Vec::new();
        let pairs = between(block, start, block.len()).chunks_exact(2);
        for pair in pairs.filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).chain([[0, 0]]) {
            let unit = u16::from_le_bytes(pair);
            if unit >= 32 && !(0xd800..0xe000).contains(&unit) {
                run.push(unit);
                continue;
            }
            if run.len() > best.len() {
                best = std::mem::take(&mut run);
            }
            run.clear();
        }
    }
    (!best.is_empty()).then(|| String::from_utf16_lossy(&best))
}

/// Text up to its NUL, in UTF-16 or the system's code page (taken for windows-1252).
fn text(raw: &[u8], wide: bool) -> String {
    let text: String = if wide {
        let units = raw.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(u16::from_le_bytes);
        char::decode_utf16(units.take_while(|unit| *unit != 0).take(MAX_TEXT))
            .map(|unit| unit.unwrap_or('\u{fffd}'))
            .collect()
    } else {
        let end = memchr::memchr(0, raw).unwrap_or(raw.len()).min(MAX_TEXT);
        mail::charset::to_text(between(raw, 0, end), Some("windows-1252")).into_owned()
    };
    text
}
