//! The text has a phrase about medicines by name.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "drugs",
    group: SignGroup::Phrase,
    points: Points::Fitted(74),
    about: "The text has a phrase about medicines by name.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nviagra, cialis, xanax, valium\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "drugs", 1)
}
