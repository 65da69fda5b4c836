//! The message was more than a day on its way.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Hours that a message may lie with one server before it looks odd.
const LONG: i64 = 24 * 3600;

pub(super) const SIGN: Row = Row {
    id: "long_way",
    group: SignGroup::Route,
    points: Points::Fitted(9),
    about: "The message was more than a day on its way.",
    check,
    #[cfg(test)]
    fires: &["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000\n\
         Received: from c (c.example [192.0.2.8]) by a; Sat, 16 Sep 2023 16:11:42 +0000"],
    #[cfg(test)]
    quiet: &["Received: from a (a.example [192.0.2.7]) by b; Tue, 19 Sep 2023 12:11:42 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    let first = f.route.iter().rev().find_map(|hop| hop.date)?.unix;
    let took = f.arrived()?.saturating_sub(first);
    when(took > LONG, format!("{took} s"))
}
