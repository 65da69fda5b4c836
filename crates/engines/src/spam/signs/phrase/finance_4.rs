//! The text has four phrases or more about loans and insurance.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "finance_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has four phrases or more about loans and insurance.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmortgage, debt, loan, credit score\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nmortgage; refinance; refinancing\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "finance", 4)
}
