//! The left side of the Message-ID is too short to be unique.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_short",
    group: SignGroup::Identity,
    points: Points::Fitted(151),
    about: "The left side of the Message-ID is too short to be unique.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: <123@example.org>"],
    #[cfg(test)]
    quiet: &["Message-ID: <20230919121140.GA1234@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    parts(f).filter(|(left, _)| left.len() < 8).map(|(left, _)| left)
}
