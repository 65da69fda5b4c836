//! The sender has no display name.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "no_name",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The sender has no display name.",
    check,
    #[cfg(test)]
    fires: &["From: ann@example.org"],
    #[cfg(test)]
    quiet: &["From: Ann <ann@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| from.name.trim().is_empty() && !from.address.is_empty()).map(|from| from.address.clone())
}
