//! The text has a phrase about a reader who is not known.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "dear",
    group: SignGroup::Phrase,
    points: Points::Fitted(118),
    about: "The text has a phrase about a reader who is not known.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ndear friend, dear customer, my dear, valued customer\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "dear", 1)
}
