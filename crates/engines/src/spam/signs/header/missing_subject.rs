//! There is no Subject field.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "missing_subject",
    group: SignGroup::Header,
    points: Points::Fitted(0),
    about: "There is no Subject field.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org"],
    #[cfg(test)]
    quiet: &["Subject: x", "Subject:"],
};

fn check(f: &Facts) -> Option<String> {
    when(!f.has("subject"), "no Subject")
}
