//! The text has four phrases or more about loans for everybody.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "lender_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(86),
    about: "The text has four phrases or more about loans for everybody.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nloan offer: need a loan? interest rate of 2%, amount required\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nloan offer; need a loan; need of a loan\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "lender", 4)
}
