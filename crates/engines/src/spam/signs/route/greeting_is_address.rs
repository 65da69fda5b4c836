//! A client greeted with an IP address.

use mail::evidence::SignGroup;

use super::{clients, private};
use crate::spam::facts::is_ip;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "greeting_is_address",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A client greeted with an IP address.",
    check,
    #[cfg(test)]
    fires: &["Received: from 192.0.2.7 (unknown [192.0.2.7]) by a.example with SMTP; x"],
    #[cfg(test)]
    quiet: &["Received: from a.example (a.example [192.0.2.7]) by b.example; x"],
};

fn check(f: &Facts) -> Option<String> {
    clients(f).find(|hop| is_ip(hop.from.trim_matches(['[', ']'])) && !private(&hop.ip)).map(|hop| hop.from.clone())
}
