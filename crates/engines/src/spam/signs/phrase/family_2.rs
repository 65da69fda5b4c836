//! The text has two phrases or more about how to pay, and what to tell.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "family_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has two phrases or more about how to pay, and what to tell.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nvisa, mastercard, money order, full name\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nlowest prices on\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "family", 2)
}
