//! The text has two phrases or more about money of somebody who died, or that has to leave a country.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "fraud_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(25),
    about: "The text has two phrases or more about money of somebody who died, or that has to leave a country.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nnext of kin, inheritance, barrister, beneficiary\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nnext of kin\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "fraud", 2)
}
