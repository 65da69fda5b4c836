//! The text has a phrase about shares that will rise.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stock",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has a phrase about shares that will rise.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhot stock, ticker, strong buy, investor alert\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "stock", 1)
}
