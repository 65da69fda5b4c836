//! A client greeted with the recipient's own domain.
//!
//! Not one that is the recipient's: servers hand mail on among each other, in networks that are nobody's. And a list
//! that writes to its own address greets with its own name.

use mail::evidence::SignGroup;

use super::{clients, private};
use crate::spam::facts::registered;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "greeting_of_recipient",
    group: SignGroup::Route,
    points: Points::Fitted(42),
    about: "A client greeted with the recipient's own domain.",
    check,
    #[cfg(test)]
    fires: &["To: b@example.net\nReceived: from example.net (unknown [192.0.2.7]) by mx.example.net; x"],
    #[cfg(test)]
    quiet: &[
        "To: b@example.net\nReceived: from a.example (a.example [192.0.2.7]) by mx.example.net; x",
        "To: b@example.net\nReceived: from example.net (one.internal [10.0.0.7]) by mx.example.net; x",
        "To: b@example.net\nReceived: from example.net [192.0.2.7] by localhost with IMAP (fetchmail-6.4); x",
        "From: a@list.example.net\nTo: all@list.example.net\n\
         Received: from list.example.net (host.provider.example [192.0.2.7]) by mx.example.com; x",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.from_domain();
    let domains = f.recipients().take(3).filter_map(|r| r.rsplit_once('@').map(|(_, d)| d.to_lowercase()));
    let domains: Vec<String> = domains.filter(|domain| registered(domain) != from).collect();
    clients(f)
        .filter(|hop| hop.ip.is_empty() || !private(&hop.ip))
        .find(|hop| {
            let greeting = hop.from.to_lowercase();
            domains.contains(&greeting) && registered(&hop.name) != registered(&greeting)
        })
        .map(|hop| hop.from.clone())
}
