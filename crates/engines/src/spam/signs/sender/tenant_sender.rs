//! The sender uses the address that a service gives to every tenant.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "tenant_sender",
    group: SignGroup::Sender,
    points: Points::Fitted(33),
    about: "The sender uses the address that a service gives to every tenant.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.onmicrosoft.com"],
    #[cfg(test)]
    quiet: &["From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().map(|from| from.domain()).filter(|domain| {
        domain.ends_with(".onmicrosoft.com")
            || domain.ends_with(".firebaseapp.com")
            || domain.ends_with(".appspotmail.com")
    })
}
