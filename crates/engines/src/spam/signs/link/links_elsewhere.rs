//! No link leads to the sender's domain.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "links_elsewhere",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "No link leads to the sender's domain.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
    #[cfg(test)]
    quiet: &[
        "From: a@example.org\nContent-Type: text/html\n\n<a href=http://www.example.org/>x</a>\n",
        "From: a@example.org\n\nhttp://b.example/\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.from_domain();
    let mut any = false;
    let own = f.clicks().any(|link| {
        any = true;
        registered(&link.host) == from
    });
    when(any && !own && f.html.parts > 0 && !from.is_empty(), from)
}
