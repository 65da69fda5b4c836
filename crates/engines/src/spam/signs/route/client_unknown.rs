//! A client's address has no name.

use mail::evidence::SignGroup;

use super::{clients, private};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "client_unknown",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A client's address has no name.",
    check,
    #[cfg(test)]
    fires: &["Received: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x"],
    #[cfg(test)]
    quiet: &["Received: from a.example (a.example [192.0.2.7]) by b.example; x"],
};

fn check(f: &Facts) -> Option<String> {
    clients(f).find(|hop| hop.name == "unknown" && !private(&hop.ip)).map(|hop| hop.ip.clone())
}
