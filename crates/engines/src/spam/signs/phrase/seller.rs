//! The text has a phrase about what is sold by unasked mail.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "seller",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has a phrase about what is sold by unasked mail.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nextended warranty, free quote, no obligation, order now\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "seller", 1)
}
