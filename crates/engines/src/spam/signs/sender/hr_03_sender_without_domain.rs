//! The sender's address has no domain (HR-03).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_03_sender_without_domain",
    group: SignGroup::Sender,
    points: Points::AtLeast { least: 150, fitted: 150 },
    about: "The sender's address has no domain (HR-03).",
    check,
    #[cfg(test)]
    fires: &["From: ann", "From: Ann <ann>", "From: Ann <>"],
    #[cfg(test)]
    quiet: &["From: ann@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender()
        .filter(|from| from.domain().is_empty())
        .map(|from| if from.address.is_empty() { from.name.clone() } else { from.address.clone() })
}
