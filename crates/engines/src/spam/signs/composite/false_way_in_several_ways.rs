//! The way is false or hidden in three ways or more.

use mail::evidence::SignGroup;

use super::{WAYS, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "false_way_in_several_ways",
    group: SignGroup::Composite,
    points: Points::Fitted(45),
    about: "The way is false or hidden in three ways or more.",
    check,
    #[cfg(test)]
    fires: &["From: a@yahoo.com\nReceived: from 192.0.2.7 (unknown [192.0.2.7]) by a.example with SMTP; x"],
    #[cfg(test)]
    quiet: &["Received: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x"],
};

fn check(f: &Facts) -> Option<String> {
    when(at_least(f, WAYS, 3), "three ways")
}
