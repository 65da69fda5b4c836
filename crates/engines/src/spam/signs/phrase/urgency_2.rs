//! The text has two phrases or more about haste.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "urgency_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has two phrases or more about haste.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nact now, urgent, limited time, last chance\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nact now\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "urgency", 2)
}
