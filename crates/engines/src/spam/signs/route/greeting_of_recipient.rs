//! A client greeted with the recipient's own domain.

use mail::evidence::SignGroup;

use super::clients;
use crate::spam::facts::registered;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "greeting_of_recipient",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "A client greeted with the recipient's own domain.",
    check,
    #[cfg(test)]
    fires: &["To: b@example.net\nReceived: from example.net (unknown [192.0.2.7]) by mx.example.net; x"],
    #[cfg(test)]
    quiet: &["To: b@example.net\nReceived: from a.example (a.example [192.0.2.7]) by mx.example.net; x"],
};

fn check(f: &Facts) -> Option<String> {
    let domains: Vec<String> =
        f.recipients().take(3).filter_map(|r| r.rsplit_once('@').map(|(_, d)| d.to_lowercase())).collect();
    clients(f)
        .find(|hop| {
            domains.contains(&hop.from.to_lowercase()) && registered(&hop.name) != registered(&hop.from.to_lowercase())
        })
        .map(|hop| hop.from.clone())
}
