//! The text has two phrases or more about parcels that wait.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "parcel_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(29),
    about: "The text has two phrases or more about parcels that wait.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nyour package, delivery failed, shipping fee, tracking number\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nyour package\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "parcel", 2)
}
