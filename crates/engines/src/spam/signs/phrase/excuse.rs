//! The text has a phrase about excuses for writing, and promises to stop.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "excuse",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has a phrase about excuses for writing, and promises to stop.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nthis is not spam, to be removed, one time mailing, section 301\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "excuse", 1)
}
