//! The text has a phrase about a payment that waits for the reader's particulars.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "payout",
    group: SignGroup::Phrase,
    points: Points::Fitted(57),
    about: "The text has a phrase about a payment that waits for the reader's particulars.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nyour payment by atm card: contact our representative with your full name, your \
         country\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "payout", 1)
}
