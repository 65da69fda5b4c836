//! The text has two phrases or more about gambling.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "gamble_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has two phrases or more about gambling.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ncasino poker blackjack jackpot\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nblackjack\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "gamble", 2)
}
