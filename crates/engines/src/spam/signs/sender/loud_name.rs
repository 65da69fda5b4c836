//! The display name is all capitals.

use mail::evidence::SignGroup;

use crate::spam::signs::words::is_loud;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "loud_name",
    group: SignGroup::Sender,
    points: Points::Fitted(111),
    about: "The display name is all capitals.",
    check,
    #[cfg(test)]
    fires: &["From: BIG WINNER <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: Ann Writer <a@example.org>", "From: IBM <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| is_loud(&from.name, 6)).map(|from| from.name.clone())
}
