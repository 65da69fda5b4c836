//! The sender's domain has digits.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::{digits, is_free_mail};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "digits_in_sender_domain",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The sender's domain has digits.",
    check,
    #[cfg(test)]
    fires: &["From: a@example24.org"],
    #[cfg(test)]
    quiet: &["From: a@example.org", "From: a@163.com"],
};

fn check(f: &Facts) -> Option<String> {
    let domain = f.from_domain();
    when(digits(&domain) > 0 && !is_free_mail(&domain), domain)
}
