//! There is no Received field.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "no_received",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "There is no Received field.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org"],
    #[cfg(test)]
    quiet: &["Received: from a.example (a.example [192.0.2.1]) by b.example; Tue, 19 Sep 2023 12:11:42 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.route.is_empty(), "no Received")
}
