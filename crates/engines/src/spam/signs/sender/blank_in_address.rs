//! The sender's address has a blank or a comma in it.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "blank_in_address",
    group: SignGroup::Sender,
    points: Points::Fitted(5),
    about: "The sender's address has a blank or a comma in it.",
    check,
    #[cfg(test)]
    fires: &["From: A <a b@example.org>"],
    #[cfg(test)]
    quiet: &["From: A <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| from.address.trim().contains([' ', ','])).map(|from| from.address.clone())
}
