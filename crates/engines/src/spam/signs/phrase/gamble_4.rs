//! The text has four phrases or more about gambling.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "gamble_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(8),
    about: "The text has four phrases or more about gambling.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ncasino poker blackjack jackpot\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nblackjack; roulette; betting\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "gamble", 4)
}
