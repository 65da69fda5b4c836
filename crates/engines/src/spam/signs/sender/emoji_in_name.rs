//! The display name has a pictogram.

use mail::evidence::SignGroup;

use crate::spam::facts::is_emoji;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "emoji_in_name",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The display name has a pictogram.",
    check,
    #[cfg(test)]
    fires: &["From: =?utf-8?Q?=F0=9F=8E=81_Gift?= <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: Ann <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| from.name.chars().any(is_emoji)).map(|from| from.name.clone())
}
