//! HTML and SVG without what acts: scripts, event handlers, frames and plug-ins, forms, addresses that are
//! scripts or carry files, addresses that open themselves; and, where it is asked for, without what is
//! loaded from elsewhere.
//!
//! A document in which none of it stands is left as it is. Any other is written anew: read once as the standard
//! says, and of that the elements, attributes, addresses and styles of the lists in `allow`, in one form that
//! every parser reads alike. Its text stays. A document whose charset hides ASCII (UTF-16, ISO-2022 and the
//! like) is written in ASCII; others keep their bytes. Refused: XML that declares entities, since they can
//! spell anything, and what acts even when it is written anew.

mod address;
mod allow;
mod css;
mod letters;
mod page;
mod picture;
mod rules;

use std::collections::BTreeSet;

use mail::evidence::{Active, FileKind, Role};
use memchr::memmem;
use unpack::Member;
use unpack::formats::html::{Mode, Token, Tokens, standard};

use crate::DisarmError;
use crate::bytes::between;
use crate::remove::Changes;
use letters::Style;
use rules::Rules;

/// What goes from a page that is written anew, whatever of it was asked for.
pub(crate) const ALWAYS: [Active; 3] = [Active::Script, Active::Form, Active::OpenUri];
/// What stands at the start of a document in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The document without active content of these kinds; with changes, without the addresses and scripts
/// that carry files as well.
///
/// # Errors
/// [`DisarmError::NothingToRemove`], [`DisarmError::NothingLeft`], [`DisarmError::Format`] and
/// [`DisarmError::NotSound`].
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
    let (before, recoded) = standard(data);
    if xml && memmem::find(&before.to_ascii_lowercase(), b"<!entity").is_some() {
        return Err(DisarmError::Format);
    }
    // Some programs read over zeros.
    let text: Vec<u8> = before.iter().copied().filter(|byte| *byte != 0).collect();
    let seen = members.iter().any(|member| matches!(member.role, Role::Active(what) if active.contains(&what)));
    if !seen && !acts_in_any(&text, xml, &rules) {
        return Err(DisarmError::NothingToRemove);
    }
    let style = Style { xml, ascii: recoded };
    let new = if xml { picture::write(&text, &rules)? } else { page::write(&text, style, &rules) };
    // What is written anew is looked at once more, as everybody may read it.
    let all = ALWAYS.into_iter().chain(active.iter().copied()).collect();
    if acts_in_any(&new, xml, &Rules::new(&all, rules.victims)) {
        return Err(DisarmError::NotSound);
    }
    let lead = if !xml && data.starts_with(MARK) { MARK } else { &[] };
    Ok([lead, &new].concat())
}

/// Whether something in a document acts as any kind of program reads it.
fn acts_in_any(text: &[u8], xml: bool, rules: &Rules<'_>) -> bool {
    let mut tokens = Tokens::new(text, xml);
    while tokens.next().is_some() {}
    std::iter::once(Mode::default()).chain(tokens.further()).any(|mode| acts(text, xml, mode, rules))
}

/// Whether something in a document acts in one reading.
fn acts(text: &[u8], xml: bool, mode: Mode, rules: &Rules<'_>) -> bool {
    let mut tokens = Tokens::with_mode(text, xml, mode);
    let mut behind = 0;
    while let Some(token) = tokens.next() {
        let place = tokens.place();
        // Declarations stand between tokens.
        let gap = behind..place.start;
        behind = place.end;
        let acts = match token {
            Token::Start(name) => {
                let mut attributes = tokens.attributes().iter();
                rules.tag_acts(name, &tokens) || attributes.any(|(key, value)| rules.attribute_acts(name, key, value))
            }
            Token::End(name) => rules.element_acts(name),
            Token::Raw(name, raw) => {
                rules.element_acts(name) || name.eq_ignore_ascii_case(b"style") && rules.style_acts(raw)
            }
            _ => false,
        };
        if acts || rules.declaration_acts(between(text, gap.start, gap.end)) {
            return true;
        }
    }
    rules.declaration_acts(between(text, behind, text.len()))
}
