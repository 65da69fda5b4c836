//! A field gives the sender's address as that of a web mailer's user.

use mail::evidence::SignGroup;

use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "bare_ip_originator",
    group: SignGroup::Header,
    points: Points::Fitted(0),
    about: "A field gives the sender's address as that of a web mailer's user.",
    check,
    #[cfg(test)]
    fires: &["X-Originating-IP: [192.0.2.1]"],
    #[cfg(test)]
    quiet: &["From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    some(f.field("x-originating-ip").unwrap_or(""))
}
