//! The sender's address has digits in front of the @ (HR-02).

use mail::evidence::SignGroup;

use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_02_digits_in_sender",
    group: SignGroup::Sender,
    points: Points::AtLeast { least: 10, fitted: 11 },
    about: "The sender's address has digits in front of the @ (HR-02).",
    check,
    #[cfg(test)]
    fires: &["From: ann77@example.org"],
    #[cfg(test)]
    quiet: &["From: Ann 77 <ann@example.org>", "From: ann@example1.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| digits(from.local()) > 0).map(|from| from.address.clone())
}
