//! The text has a phrase about haste.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "urgency",
    group: SignGroup::Phrase,
    points: Points::Fitted(27),
    about: "The text has a phrase about haste.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nact now, urgent, limited time, last chance\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "urgency", 1)
}
