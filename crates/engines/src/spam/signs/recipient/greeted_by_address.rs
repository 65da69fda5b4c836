//! The text greets by the address, not by a name.

use mail::evidence::SignGroup;

use super::locals;
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

/// Words that open a letter, in several languages; folded.
const GREETINGS: &[&str] = &[
    "dear ",
    "hi ",
    "hello ",
    "hey ",
    "hola ",
    "bonjour ",
    "cher ",
    "hallo ",
    "ola ",
    "ciao ",
    "caro ",
    "prezado ",
    "estimado ",
    "attn ",
    "attention ",
];

pub(super) const SIGN: Row = Row {
    id: "greeted_by_address",
    group: SignGroup::Recipient,
    points: Points::Fitted(0),
    about: "The text greets by the address, not by a name.",
    check,
    #[cfg(test)]
    fires: &["To: bob77@example.net\n\nDear bob77,\nyou won\n", "To: bob@example.net\n\nHi bob@example.net\n"],
    #[cfg(test)]
    quiet: &["To: bob@example.net\n\nDear Bob,\n"],
};

fn check(f: &Facts) -> Option<String> {
    let text = f.folding.text.get(..f.folding.text.floor_char_boundary(600)).unwrap_or("");
    locals(f)
        .into_iter()
        .find(|(local, whole)| {
            GREETINGS.iter().any(|greeting| {
                text.match_indices(greeting).any(|(at, _)| {
                    let rest = text.get(at.saturating_add(greeting.len())..).unwrap_or("");
                    rest.starts_with(whole.as_str())
                        || local.len() > 3
                            && rest.strip_prefix(local.as_str()).is_some_and(|r| {
                                r.starts_with([',', ':', '!', '.']) && (digits(local) > 0 || local.contains(['.', '_']))
                            })
                })
            })
        })
        .map(|(_, whole)| whole)
}
