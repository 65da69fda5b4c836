//! The display name is plain ASCII, but encoded.

use mail::evidence::SignGroup;

use super::encoded_for_nothing;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "name_encoded_for_nothing",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The display name is plain ASCII, but encoded.",
    check,
    #[cfg(test)]
    fires: &["From: =?utf-8?B?QW5u?= <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: Ann <a@example.org>", "From: =?utf-8?Q?J=C3=BCrgen?= <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    encoded_for_nothing(f.field("from").unwrap_or(""))
}
