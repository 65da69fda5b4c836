//! The sender's domain has four labels or more.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "deep_sender_domain",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The sender's domain has four labels or more.",
    check,
    #[cfg(test)]
    fires: &["From: a@x.y.example.org"],
    #[cfg(test)]
    quiet: &["From: a@mail.example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().map(|from| from.domain()).filter(|domain| {
        domain.split('.').count() >= 4
            && !domain.ends_with(".uk")
            && !domain.ends_with(".edu")
            && !domain.ends_with(".gov")
    })
}
