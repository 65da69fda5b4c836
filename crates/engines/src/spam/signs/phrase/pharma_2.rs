//! The text has two phrases or more about medicines and potency.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "pharma_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(150),
    about: "The text has two phrases or more about medicines and potency.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nviagra cialis pharmacy prescription\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nlevitra\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "pharma", 2)
}
