//! The sender's domain lies in a top domain that costs little and is abused much.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_cheap;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "cheap_sender_domain",
    group: SignGroup::Sender,
    points: Points::Fitted(69),
    about: "The sender's domain lies in a top domain that costs little and is abused much.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.xyz"],
    #[cfg(test)]
    quiet: &["From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let domain = f.from_domain();
    when(is_cheap(&domain), domain)
}
