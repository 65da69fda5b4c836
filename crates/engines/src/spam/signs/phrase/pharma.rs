//! The text has a phrase about medicines and potency.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "pharma",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has a phrase about medicines and potency.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nviagra cialis pharmacy prescription\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "pharma", 1)
}
