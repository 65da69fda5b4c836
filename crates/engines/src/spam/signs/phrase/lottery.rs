//! The text has a phrase about something that was won.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "lottery",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has a phrase about something that was won.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nlottery: you have won, congratulations, claim your prize\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "lottery", 1)
}
