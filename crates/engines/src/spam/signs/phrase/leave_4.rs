//! The text has four phrases or more about how to get no more of it.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "leave_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(4),
    about: "The text has four phrases or more about how to get no more of it.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nto be removed, unsubscribe, this is not spam, opt-out\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nto be removed; remove your; removed from\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "leave", 4)
}
