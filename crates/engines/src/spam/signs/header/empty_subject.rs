//! The subject is empty.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "empty_subject",
    group: SignGroup::Header,
    points: Points::Fitted(120),
    about: "The subject is empty.",
    check,
    #[cfg(test)]
    fires: &["Subject:"],
    #[cfg(test)]
    quiet: &["Subject: x", "From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.has("subject") && f.subject.trim().is_empty(), "an empty Subject")
}
