//! An account has to be confirmed, at a place that is not the sender's.

use mail::evidence::SignGroup;

use super::{all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "account_and_link_elsewhere",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "An account has to be confirmed, at a place that is not the sender's.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nSubject: x\nContent-Type: text/html\n\n\
         security alert: <a href=http://b.example/>verify your account</a>\n"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nSubject: x\nContent-Type: text/html\n\n\
         security alert: <a href=http://example.org/>verify your account</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        all(f, &["account", "links_elsewhere"]) && at_least(f, &["account_2", "urgency", "dear", "click"], 1),
        "an account elsewhere",
    )
}
