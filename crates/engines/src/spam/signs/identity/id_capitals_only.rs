//! The left side of the Message-ID is capitals without digits.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_capitals_only",
    group: SignGroup::Identity,
    points: Points::Fitted(13),
    about: "The left side of the Message-ID is capitals without digits.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: <QWEKJHASDLKJ@example.org>"],
    #[cfg(test)]
    quiet: &["Message-ID: <20230919121140.GA1234@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    parts(f)
        .filter(|(left, _)| left.len() >= 8 && digits(left) == 0 && left.bytes().all(|b| b.is_ascii_uppercase()))
        .map(|(left, _)| left)
}
