//! The display name is longer than names are.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "long_name",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The display name is longer than names are.",
    check,
    #[cfg(test)]
    fires: &["From: Your account has been closed please act within a day or two <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: Ann Writer <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| from.name.chars().count() > 50).map(|from| from.name.clone())
}
