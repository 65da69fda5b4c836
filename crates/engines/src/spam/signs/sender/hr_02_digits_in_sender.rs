//! The address of a sender in From has digits, in front of the @ or behind it (HR-02).
//!
//! Not taken for one: digits of a name in another script, as the DNS has it (`xn--…`).

use mail::evidence::SignGroup;

use crate::spam::facts::Mailbox;
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_02_digits_in_sender",
    group: SignGroup::Sender,
    points: Points::AtLeast { least: 10, fitted: 12 },
    about: "The sender's address has digits (HR-02).",
    check,
    #[cfg(test)]
    fires: &["From: ann77@example.org", "From: ann@example1.org", "From: ann@example.org, <bob7@example.net>"],
    #[cfg(test)]
    quiet: &["From: Ann 77 <ann@example.org>", "From: ann@xn--80ak6aa92e.example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let foreign = |label: &str| label.starts_with("xn--");
    let has = |from: &Mailbox| {
        digits(from.local()) > 0 || from.domain().split('.').any(|label| !foreign(label) && digits(label) > 0)
    };
    f.from.iter().find(|from| has(from)).map(|from| from.address.clone())
}
