//! HTML and SVG without what acts: scripts, event handlers, frames and plug-ins, forms, addresses that are
//! scripts or carry files, addresses that open themselves; and, where it is asked for, without what is
//! loaded from elsewhere. Zeros go, because
//! programs differ about them; every other byte stays as it was.
//!
//! What goes leaves a blank, so that what stood before and behind it does not join to a tag; the result
//! is read again until nothing more goes, at most [`MAX_ROUNDS`] times. A document whose charset hides
//! ASCII (UTF-16, UTF-7, ISO-2022 and the like) is written in UTF-8 with a byte order mark. Refused: XML
//! that declares entities, since they can spell anything.

mod css;
mod rules;

use std::collections::BTreeSet;
use std::ops::Range;

use mail::evidence::{Active, FileKind};
use memchr::memmem;
use unpack::Member;
use unpack::formats::html::{Mode, Token, Tokens, in_place, plain};

use crate::DisarmError;
use crate::bytes::between;
use crate::remove::Changes;
use rules::Rules;

/// How many times a document is gone through.
const MAX_ROUNDS: usize = 16;
/// What stands at the start of a document that is written in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A range of the text, and what stands in its place.
type Cut = (Range<usize>, Vec<u8>);

/// The document without active content of these kinds; with changes, without the addresses and scripts
/// that carry files as well.
///
/// # Errors
/// [`DisarmError::NothingToRemove`], [`DisarmError::Format`] and [`DisarmError::NotSound`].
pub(crate) fn edit(
    kind: FileKind,
    data: &[u8],
    members: &[Member],
    changes: &Changes,
    active: &BTreeSet<Active>,
) -> Result<Vec<u8>, DisarmError> {
    let xml = kind == FileKind::Svg;
    let victims: Vec<&[u8]> = members
        .iter()
        .filter(|member| changes.contains_key(&member.index))
        .map(|member| member.content.as_slice())
        .collect();
    let rules = Rules::new(active, victims);
    let (lead, before) = match in_place(data) {
        Some(lead) => (between(data, 0, lead), between(data, lead, data.len()).to_vec()),
        None => (MARK, plain(data).into_owned()),
    };
    if xml && memmem::find(&before.to_ascii_lowercase(), b"<!entity").is_some() {
        return Err(DisarmError::Format);
    }
    // Some programs read over zeros.
    let mut text: Vec<u8> = before.into_iter().filter(|byte| *byte != 0).collect();
    for round in 0..MAX_ROUNDS {
        match pass_in_any(&text, xml, &rules) {
            Some(new) => text = new,
            None if round == 0 => return Err(DisarmError::NothingToRemove),
            None => return Ok([lead, &text].concat()),
        }
    }
    Err(DisarmError::NotSound)
}

/// Goes through a document as the first kind of program reads it that still has something to go; `None` if
/// nothing goes for any.
fn pass_in_any(text: &[u8], xml: bool, rules: &Rules<'_>) -> Option<Vec<u8>> {
    let mut tokens = Tokens::new(text, xml);
    while tokens.next().is_some() {}
    std::iter::once(Mode::default()).chain(tokens.further()).find_map(|mode| pass(text, xml, mode, rules))
}

/// Goes through a document once; `None` if nothing goes.
fn pass(text: &[u8], xml: bool, mode: Mode, rules: &Rules<'_>) -> Option<Vec<u8>> {
    let mut cuts: Vec<Cut> = Vec::new();
    let mut tokens = Tokens::with_mode(text, xml, mode);
    let mut behind = 0;
    // What goes one after the other leaves one blank.
    let cut = |cuts: &mut Vec<Cut>, place: Range<usize>| match cuts.last_mut() {
        Some((last, new)) if last.end == place.start && new == b" " => last.end = place.end,
        _ => cuts.push((place, b" ".to_vec())),
    };
    while let Some(token) = tokens.next() {
        let place = tokens.place();
        // Declarations stand between tokens.
        let gap = behind..place.start;
        behind = place.end;
        if rules.drops_declaration(between(text, gap.start, gap.end)) {
            cut(&mut cuts, gap);
        }
        match token {
            Token::Start(name) if rules.drops_tag(name, &tokens) => cut(&mut cuts, place),
            Token::Start(name) => {
                for ((key, value), place) in tokens.attributes().iter().zip(tokens.places()) {
                    if rules.drops_attribute(name, key, value) {
                        cut(&mut cuts, place.clone());
                    }
                }
            }
            Token::End(name) if rules.drops_element(name) => cut(&mut cuts, place),
            Token::Raw(name, _) if rules.drops_element(name) => cut(&mut cuts, place),
            Token::Raw(name, raw) if name.eq_ignore_ascii_case(b"style") => {
                cuts.extend(rules.style(raw).map(|new| (place, new)));
            }
            _ => {}
        }
    }
    if rules.drops_declaration(between(text, behind, text.len())) {
        cuts.push((behind..text.len(), Vec::new()));
    }
    if cuts.is_empty() {
        return None;
    }
    let (mut out, mut from) = (Vec::with_capacity(text.len()), 0);
    for (range, new) in cuts {
        out.extend_from_slice(between(text, from, range.start));
        out.extend(new);
        from = range.end;
    }
    out.extend_from_slice(between(text, from, text.len()));
    Some(out)
}
