//! The part in front of the sender's @ looks made by a program.

use mail::evidence::SignGroup;

use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "random_local_part",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The part in front of the sender's @ looks made by a program.",
    check,
    #[cfg(test)]
    fires: &["From: xkqjzvbwpt@example.org"],
    #[cfg(test)]
    quiet: &["From: christopher@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender().filter(|from| is_random(from.local())).map(|from| from.address.clone())
}
