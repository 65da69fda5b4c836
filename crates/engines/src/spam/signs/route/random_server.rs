//! A server's name looks made by a program.

use mail::evidence::SignGroup;

use super::clients;
use crate::spam::facts::registered;
use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "random_server",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A server's name looks made by a program.",
    check,
    #[cfg(test)]
    fires: &["Received: from xkqjzvbwpt.com (a [192.0.2.7]) by b.example; x"],
    #[cfg(test)]
    quiet: &["Received: from mail.example.com (a [192.0.2.7]) by b.example; x"],
};

fn check(f: &Facts) -> Option<String> {
    clients(f)
        .find(|hop| registered(&hop.from.to_lowercase()).split('.').next().is_some_and(is_random))
        .map(|hop| hop.from.clone())
}
