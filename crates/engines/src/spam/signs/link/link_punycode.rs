//! A link's host is written in letters beyond ASCII.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_punycode",
    group: SignGroup::Link,
    points: Points::Fitted(21),
    about: "A link's host is written in letters beyond ASCII.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://xn--pypal-4ve.example/\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| link.host.contains("xn--") || !link.written.is_ascii())
}
