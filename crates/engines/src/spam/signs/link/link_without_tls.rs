//! A link in HTML goes without encryption.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_without_tls",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link in HTML goes without encryption.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<a href=http://a.example/>x</a>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<a href=https://a.example/>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.parts > 0, "").and_then(|_| find(f, |link| link.scheme == "http" && link.shown.is_some()))
}
