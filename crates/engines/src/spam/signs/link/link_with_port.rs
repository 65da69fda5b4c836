//! A link leads to a port of its own.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_with_port",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link leads to a port of its own.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://a.example:81/\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| !link.port.is_empty() && !matches!(link.port.as_str(), "80" | "443" | "8080" | "8000"))
}
