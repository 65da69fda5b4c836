//! The text has two phrases or more about somebody who introduces themselves and wants an answer.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stranger_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(2),
    about: "The text has two phrases or more about somebody who introduces themselves and wants an answer.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmy name is Ann, with due respect, kindly reply, awaiting your answer\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nmy name is\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "stranger", 2)
}
