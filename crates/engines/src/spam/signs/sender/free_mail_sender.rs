//! The sender's address is of a free mail provider.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_free_mail;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "free_mail_sender",
    group: SignGroup::Sender,
    points: Points::Fitted(16),
    about: "The sender's address is of a free mail provider.",
    check,
    #[cfg(test)]
    fires: &["From: a@gmail.com"],
    #[cfg(test)]
    quiet: &["From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let domain = f.sender()?.domain();
    when(is_free_mail(&domain), domain)
}
