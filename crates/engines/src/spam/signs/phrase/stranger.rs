//! The text has a phrase about somebody who introduces themselves and wants an answer.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stranger",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has a phrase about somebody who introduces themselves and wants an answer.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmy name is Ann, with due respect, kindly reply, awaiting your answer\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "stranger", 1)
}
