//! The text has two phrases or more about invoices and renewals.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "invoice_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(5),
    about: "The text has two phrases or more about invoices and renewals.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ninvoice: your subscription will be charged; call us at, to cancel, your order\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nyour order\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "invoice", 2)
}
