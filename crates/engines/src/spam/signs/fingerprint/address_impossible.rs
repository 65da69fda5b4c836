//! A server's line names a client's address that no client has.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "address_impossible",
    group: SignGroup::Route,
    points: Points::Fitted(120),
    about: "A server's line names a client's address that no client has.",
    check,
    #[cfg(test)]
    fires: &[
        "Received: from a.example (a.example [192.0.2.777]) by b.example; x",
        "Received: from a.example (unknown [251.2.3.4]) by b.example; x",
    ],
    #[cfg(test)]
    quiet: &[
        "Received: from a.example (a.example [192.0.2.7]) by b.example; x",
        "Received: from a.example (a.example [2001:db8::1]) by b.example; x",
        "Received: from a by b; x",
    ],
};

fn check(f: &Facts) -> Option<String> {
    f.route.iter().find(|hop| impossible(&hop.ip)).map(|hop| hop.ip.clone())
}

/// Whether a text is written like an address of version 4, and is one that no client can have.
fn impossible(ip: &str) -> bool {
    let parts: Vec<&str> = ip.split('.').collect();
    let numbers: Vec<u32> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let written = parts.len() == 4 && numbers.len() == 4;
    written
        && (numbers.iter().any(|number| *number > 255)
            || numbers.first().is_some_and(|first| *first == 0 || *first >= 224))
}
