//! A link's host is written with escapes.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_escaped_host",
    group: SignGroup::Link,
    points: Points::Fitted(16),
    about: "A link's host is written with escapes.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://a%2eexample/\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/%20\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| link.written.contains('%') || link.written.contains("&#"))
}
