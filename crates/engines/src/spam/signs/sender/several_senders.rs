//! From names several people, and no Sender says who of them wrote.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "several_senders",
    group: SignGroup::Sender,
    points: Points::Fitted(5),
    about: "From names several people, and no Sender says who of them wrote.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org, b@example.org"],
    #[cfg(test)]
    quiet: &["From: a@example.org", "From: a@example.org, b@example.org\nSender: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.from.len() > 1 && !f.has("sender"), format!("{} mailboxes", f.from.len()))
}
