//! The text has four phrases or more about sex.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "adult_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(83),
    about: "The text has four phrases or more about sex.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nxxx porn naked horny\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nhardcore; lesbian; live cam\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "adult", 4)
}
