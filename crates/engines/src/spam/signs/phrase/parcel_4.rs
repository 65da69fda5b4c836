//! The text has four phrases or more about parcels that wait.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "parcel_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has four phrases or more about parcels that wait.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nyour package, delivery failed, shipping fee, tracking number\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nyour package; your parcel; delivery attempt\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "parcel", 4)
}
