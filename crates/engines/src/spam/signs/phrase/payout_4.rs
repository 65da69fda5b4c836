//! The text has four phrases or more about a payment that waits for the reader's particulars.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "payout_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(80),
    about: "The text has four phrases or more about a payment that waits for the reader's particulars.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nyour payment by atm card: contact our representative with your full name, your \
         country\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nyour fund is; your funds; your payment\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "payout", 4)
}
