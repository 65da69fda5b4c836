//! The subject has a pictogram.

use mail::evidence::SignGroup;

use crate::spam::facts::is_emoji;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "emoji_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(76),
    about: "The subject has a pictogram.",
    check,
    #[cfg(test)]
    fires: &["Subject: =?utf-8?Q?=F0=9F=8E=81_gift?="],
    #[cfg(test)]
    quiet: &["Subject: gift"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.subject.chars().any(is_emoji), "a pictogram")
}
