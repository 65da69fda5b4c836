//! The sender's address has four digits or more.

use mail::evidence::SignGroup;

use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "many_digits_in_sender",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The sender's address has four digits or more.",
    check,
    #[cfg(test)]
    fires: &["From: ann1977@example.org"],
    #[cfg(test)]
    quiet: &["From: ann77@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| digits(from.local()) >= 4).map(|from| from.address.clone())
}
