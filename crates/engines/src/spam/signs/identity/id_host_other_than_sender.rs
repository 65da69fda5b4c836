//! The Message-ID is of another domain than the sender.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::facts::registered;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_host_other_than_sender",
    group: SignGroup::Identity,
    points: Points::Fitted(0),
    about: "The Message-ID is of another domain than the sender.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nMessage-ID: <1@example.com>"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nMessage-ID: <1@mail.example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.from_domain();
    parts(f)
        .filter(|(_, host)| !from.is_empty() && host.contains('.') && registered(host) != from)
        .map(|(_, host)| host)
}
