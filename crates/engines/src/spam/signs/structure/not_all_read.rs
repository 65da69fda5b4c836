//! It is larger, or has more parts, links or fields than are looked at for spam.

use mail::evidence::SignGroup;

use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "not_all_read",
    group: SignGroup::Structure,
    points: Points::Fixed(100),
    about: "It is larger, or has more parts, links or fields than are looked at for spam.",
    check,
    #[cfg(test)]
    fires: &[],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    some(&f.cut.join(", "))
}
