//! The text has two phrases or more about blackmail.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "extortion_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(10),
    about: "The text has two phrases or more about blackmail.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ni recorded you, your webcam, pay me, your contacts\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\ni have access to your\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "extortion", 2)
}
