//! The text has two phrases or more about offers of factories.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "trade_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(8),
    about: "The text has two phrases or more about offers of factories.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmanufacturer, our factory, supplier, price list\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nmanufacturer\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "trade", 2)
}
