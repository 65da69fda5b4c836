//! The text has four phrases or more about sex, in words that letters rarely have.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "explicit_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(26),
    about: "The text has four phrases or more about sex, in words that letters rarely have.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nporn, xxx, horny, sluts\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nhardcore; blowjob; cumshot\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "explicit", 4)
}
