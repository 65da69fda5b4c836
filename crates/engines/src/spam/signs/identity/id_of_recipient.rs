//! The Message-ID is of the recipient's domain: a server at the end had to make it.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::facts::registered;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_of_recipient",
    group: SignGroup::Identity,
    points: Points::Fitted(0),
    about: "The Message-ID is of the recipient's domain: a server at the end had to make it.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nTo: b@example.net\nMessage-ID: <1@mx.example.net>"],
    #[cfg(test)]
    quiet: &[
        "From: a@example.net\nTo: b@example.net\nMessage-ID: <1@mx.example.net>",
        "From: a@example.org\nTo: b@example.net\nMessage-ID: <1@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let domains: Vec<String> = f
        .recipients()
        .take(5)
        .filter_map(|r| r.rsplit_once('@').map(|(_, d)| registered(&d.to_lowercase()).to_owned()))
        .collect();
    let from = f.from_domain();
    parts(f)
        .filter(|(_, host)| domains.iter().any(|d| d == registered(host)) && registered(host) != from)
        .map(|(_, host)| host)
}
