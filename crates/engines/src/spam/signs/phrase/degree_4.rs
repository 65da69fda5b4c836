//! The text has four phrases or more about degrees for sale.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "degree_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(45),
    about: "The text has four phrases or more about degrees for sale.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nuniversity diploma, degree, bachelor, no tests\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\ndiploma; bachelor; masters\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "degree", 4)
}
