//! A link leads to a top domain that costs little and is abused much.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::signs::words::is_cheap;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_to_cheap_domain",
    group: SignGroup::Link,
    points: Points::Fitted(19),
    about: "A link leads to a top domain that costs little and is abused much.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttps://a.xyz/x\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| is_cheap(&link.host))
}
