//! A Received field names no server that took the message, or has no date.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "odd_received",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A Received field names no server that took the message, or has no date.",
    check,
    #[cfg(test)]
    fires: &["Received: from a.example with SMTP"],
    #[cfg(test)]
    quiet: &["Received: from a.example by b.example; Tue, 19 Sep 2023 12:11:42 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    f.route
        .iter()
        .find(|hop| !hop.from.is_empty() && (hop.by.is_empty() || hop.date.is_none()))
        .map(|hop| hop.text.chars().take(80).collect())
}
