//! There is no From field, or it names nobody; every message has to have one (RFC 5322, 3.6).

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "missing_from",
    group: SignGroup::Header,
    points: Points::AtLeast { least: 120, fitted: 120 },
    about: "There is no From field, or it names nobody; every message has to have one (RFC 5322, 3.6).",
    check,
    #[cfg(test)]
    fires: &["To: b@example.net", "From:"],
    #[cfg(test)]
    quiet: &["From: a@example.org", "From : a@example.org\nTo: b@example.net"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.from.is_empty(), "no From")
}
