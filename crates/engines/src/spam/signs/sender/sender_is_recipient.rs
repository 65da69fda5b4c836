//! The message says that its recipient wrote it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "sender_is_recipient",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The message says that its recipient wrote it.",
    check,
    #[cfg(test)]
    fires: &["From: b@example.net\nTo: b@example.net"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nTo: b@example.net", "From: b@example.net\nTo: b@example.net, c@example.net"],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.sender().map(|from| from.address.to_lowercase()).filter(|from| from.contains('@'))?;
    let all: Vec<String> = f.recipients().take(3).map(str::to_lowercase).collect();
    when(all.len() == 1 && all.contains(&from), from)
}
