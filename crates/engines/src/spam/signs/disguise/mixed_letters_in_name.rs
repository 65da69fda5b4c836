//! The sender's display name mixes Latin letters with look-alikes of another script.

use mail::evidence::SignGroup;

use super::MAX_AUTHORS;
use crate::spam::facts::fold;
use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mixed_letters_in_name",
    group: SignGroup::Disguise,
    points: Points::AtLeast { least: 200, fitted: 200 },
    about: "The sender's display name mixes Latin letters with look-alikes of another script.",
    check,
    #[cfg(test)]
    fires: &["From: =?utf-8?Q?N=D0=B5tflix?= <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: Netflix <a@example.org>", "From: =?utf-8?B?QW5uIERvZQ==?= <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.from.iter().take(MAX_AUTHORS).find_map(|author| some(&fold(&author.name).mixed_word))
}
