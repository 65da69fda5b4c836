//! The text has two phrases or more about sex, in words that letters rarely have.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "explicit_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(59),
    about: "The text has two phrases or more about sex, in words that letters rarely have.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nporn, xxx, horny, sluts\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nhardcore\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "explicit", 2)
}
