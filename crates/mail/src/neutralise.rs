//! Making the content of leaves harmless without changing a length: for mail whose sizes a server has
//! announced.
//!
//! Every byte of an encoded body but CR and LF becomes `A`, and up to three of the last become blanks,
//! so that the rest is whole groups of base64. `A` stands for itself in text, quoted-printable,
//! uuencode and yEnc, and for zero bits in base64; it is no delimiter, no field and no begin of a
//! file, so the filler makes no structure. What holds parts of an encoded container is filled as a
//! whole. Not touched: headers, names included.

use crate::graph::{BufferId, EntityId, Message};
use crate::patch::{Patch, PatchError, PatchSet};
use crate::span::Span;

/// The filler.
const FILLER: u8 = b'A';
/// What fills up where a group of base64 would be incomplete.
const BLANK: u8 = b' ';

/// Patches that fill the bodies of these entities of any reading. An entity that lies in a decoded
/// buffer takes with it the container that it was decoded from. Unknown entities count for nothing.
///
/// # Errors
/// None that a message can cause: the patches keep length and line ends.
pub fn neutralise(message: &Message<'_>, entities: &[EntityId]) -> Result<PatchSet, PatchError> {
    let mut spans: Vec<Span> = entities.iter().filter_map(|id| raw_span(message, *id)).collect();
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    let patch = |span: Span| Patch { span, bytes: filled(span.of(message.raw())) };
    PatchSet::new(message.raw(), merged.into_iter().map(patch).collect())
}

/// The bytes of the raw message that an entity's content comes from.
fn raw_span(message: &Message<'_>, id: EntityId) -> Option<Span> {
    let mut entity = message.entity(id)?;
    // Parents come before their children, so this ends.
    while entity.buffer != BufferId::RAW {
        entity = message.entity(entity.parent?)?;
    }
    Some(entity.body)
}

/// As many bytes, in the same lines.
fn filled(bytes: &[u8]) -> Vec<u8> {
    let is_end = |byte: u8| matches!(byte, b'\r' | b'\n');
    let mut out: Vec<u8> = bytes.iter().map(|byte| if is_end(*byte) { *byte } else { FILLER }).collect();
    let odd = out.iter().filter(|byte| **byte == FILLER).count() % 4;
    for byte in out.iter_mut().rev().filter(|byte| **byte == FILLER).take(odd) {
        *byte = BLANK;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filler_keeps_lines_and_whole_groups() {
        for (before, after) in
            [("", ""), ("abc", "   "), ("abcd", "AAAA"), ("ab\r\ncdef\n", "AA\r\nAA  \n"), ("\r\r\n", "\r\r\n")]
        {
            assert_eq!(filled(before.as_bytes()), after.as_bytes(), "{before:?}");
        }
    }
}
