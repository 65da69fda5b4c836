//! There is no Message-ID field.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "missing_message_id",
    group: SignGroup::Header,
    points: Points::Fitted(120),
    about: "There is no Message-ID field.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org"],
    #[cfg(test)]
    quiet: &["Message-ID: <1@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    when(!f.has("message-id"), "no Message-ID")
}
