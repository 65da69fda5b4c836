//! A link's host looks made by a program.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "random_link_host",
    group: SignGroup::Link,
    points: Points::Fitted(15),
    about: "A link's host looks made by a program.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttps://xkqjzvbwpt.example/x\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| link.host.split('.').any(is_random))
}
