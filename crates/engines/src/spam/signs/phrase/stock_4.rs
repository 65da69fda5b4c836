//! The text has four phrases or more about shares that will rise.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stock_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(101),
    about: "The text has four phrases or more about shares that will rise.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhot stock, ticker, strong buy, investor alert\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nstock alert; hot stock; penny stock\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "stock", 4)
}
