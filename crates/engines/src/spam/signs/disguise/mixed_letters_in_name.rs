//! The sender's display name mixes Latin letters with look-alikes of another script.

use mail::evidence::SignGroup;

use crate::spam::facts::fold;
use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mixed_letters_in_name",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "The sender's display name mixes Latin letters with look-alikes of another script.",
    check,
    #[cfg(test)]
    fires: &["From: =?utf-8?Q?N=D0=B5tflix?= <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: Netflix <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().map(|from| fold(&from.name)).and_then(|folding| some(&folding.mixed_word))
}
