//! Only one server is named: the message came straight from where it was written.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "one_hop",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "Only one server is named: the message came straight from where it was written.",
    check,
    #[cfg(test)]
    fires: &["Received: from a (a.example [192.0.2.7]) by b; x"],
    #[cfg(test)]
    quiet: &["From: a@example.org", "Received: from a by b; x\nReceived: from c by a; x"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.route.len() == 1, "one Received")
}
