//! Presentations of PowerPoint 97 to 2003 (MS-PPT) without macros, embedded objects, and actions and links
//! that run something. All records stay in their places, since other records tell them: an object becomes an
//! empty one of the same length, an action does nothing.
//!
//! Limit: [`MAX_OBJECT`] bytes of an object are looked at. Not handled: encrypted presentations.

use std::collections::BTreeSet;
use std::io::Read;

use mail::evidence::Active;
use memchr::memmem;
use unpack::formats::ole2::Cfb;
use unpack::{Budget, link_acts};

use super::write;
use crate::DisarmError;
use crate::bytes::{between, fill, le16, le32, put};

/// Most bytes of one embedded object.
const MAX_OBJECT: u64 = 64 << 20;
/// What the head of the other stream says of a presentation that is encrypted.
const ENCRYPTED: u32 = 0xf3d1_c4df;
/// Records: a text, a link, an embedded object, what a click does, and whether there are macros.
const STRING: u16 = 0x0fba;
const LINK: u16 = 0x0fd7;
const OBJECT: u16 = 0x1011;
const INTERACTION: u16 = 0x0ff3;
const MACROS: u16 = 0x0400;
const SESSION: u16 = 0x2f14;
/// Which text of a link is its address.
const TARGET: u16 = 1;
/// What a click does: nothing, it runs a macro, it starts a program, it opens an object.
const NOTHING: u8 = 0;
const MACRO: u8 = 1;
const PROGRAM: u8 = 2;
/// Names of storages and streams of a project.
const PROJECT: [&str; 3] = ["vba", "_vba_project", "dir"];

/// Whether the other stream says that the presentation is encrypted.
pub(super) fn is_encrypted(user: &[u8]) -> bool {
    le32(user, 12) == Some(ENCRYPTED)
}

/// Changes the main stream: active content of these kinds, and objects whose content is or holds
/// `victim`. Whether anything changed.
///
/// # Errors
/// [`DisarmError::Encrypted`], [`DisarmError::Limit`].
pub(super) fn edit(
    data: &mut [u8],
    active: &BTreeSet<Active>,
    victim: Option<&[u8]>,
    budget: &mut Budget,
) -> Result<bool, DisarmError> {
    let has = |what| active.contains(&what);
    let (mut at, mut changed, mut silenced, mut linked) = (0_usize, false, false, false);
    while let (Some(head), Some(id), Some(size)) =
        (le16(data, at), le16(data, at.saturating_add(2)), le32(data, at.saturating_add(4)))
    {
        let start = at.saturating_add(8);
        // What holds others is gone into.
        if head & 0xf == 0xf {
            linked = id == LINK;
            at = start;
            continue;
        }
        let end = start.saturating_add(size as usize).min(data.len());
        match id {
            SESSION => return Err(DisarmError::Encrypted),
            MACROS if has(Active::Vba) && le32(data, start.saturating_add(4)) != Some(0) => {
                changed |= put(data, start.saturating_add(4), &[0; 4]);
            }
            INTERACTION => {
                let action = start.saturating_add(8);
                silenced = match data.get(action) {
                    Some(&PROGRAM) => has(Active::Launch),
                    Some(&MACRO) => has(Active::Vba),
                    _ => false,
                };
                changed |= silenced && put(data, action, &[NOTHING]);
            }
            STRING if silenced => {
                blank(data, start, end);
                silenced = false;
            }
            STRING if linked && has(Active::Launch) && leads(between(data, start, end), head >> 4 == TARGET) => {
                blank(data, start, end);
                changed = true;
            }
            OBJECT if goes(head >> 4, between(data, start, end), active, victim, budget)? => {
                // Not compressed, and empty.
                put(data, at, &(head & 0xf).to_le_bytes());
                fill(data, start, end, 0);
                let empty = write::empty()?;
                if empty.len() <= end.saturating_sub(start) {
                    put(data, start, &empty);
                }
                changed = true;
            }
            _ => {}
        }
        at = end.max(start);
    }
    Ok(changed)
}

/// Makes the letters of a text blanks.
fn blank(data: &mut [u8], start: usize, end: usize) {
    for letter in (start..end.saturating_sub(1)).step_by(2) {
        put(data, letter, &[b' ', 0]);
    }
}

/// Whether a text of a link is an address that starts a program or hands something to one: the one where it leads, or
/// its name, which is the address again unless it is words.
fn leads(text: &[u8], target: bool) -> bool {
    let units: Vec<u16> = text.chunks_exact(2).filter_map(|pair| le16(pair, 0)).collect();
    let text = String::from_utf16_lossy(&units);
    link_acts(&text) && (target || !text.contains(char::is_whitespace))
}

/// Whether an object goes.
fn goes(
    instance: u16,
    body: &[u8],
    active: &BTreeSet<Active>,
    victim: Option<&[u8]>,
    budget: &mut Budget,
) -> Result<bool, DisarmError> {
    let mut content = Vec::new();
    if instance == 1 {
        let packed = between(body, 4, body.len());
        // What cannot be read to its end is looked at as far as it goes.
        let _ = flate2::read::ZlibDecoder::new(packed).take(MAX_OBJECT).read_to_end(&mut content);
    } else {
        content = body.to_vec();
    }
    budget.burn(content.len() as u64).map_err(|_| DisarmError::Limit)?;
    let named = |victim: &[u8]| !victim.is_empty() && memmem::find(&content, victim).is_some();
    if victim.is_some_and(named) {
        return Ok(true);
    }
    let file = Cfb::open(&content);
    let holds = |names: &[&str]| file.entries().any(|(_, entry)| names.contains(&entry.name.to_lowercase().as_str()));
    let (macros, control) = (holds(&PROJECT), holds(&["\u{3}ocxname", "contents"]));
    Ok(active.contains(&Active::Vba) && macros
        || active.contains(&Active::ActiveX) && control
        || active.contains(&Active::OlePackage) && !macros && !file.damaged)
}
