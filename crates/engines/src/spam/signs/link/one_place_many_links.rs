//! Three links or more, all to one place that is not the sender's.

use std::collections::BTreeSet;

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "one_place_many_links",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "Three links or more, all to one place that is not the sender's.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nContent-Type: text/html\n\n\
         <a href=http://b.example/>x</a><a href=http://b.example/>y</a><a href=http://b.example/>z</a>\n"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    let hosts: BTreeSet<&str> = f.clicks().map(|link| registered(&link.host)).collect();
    let from = f.from_domain();
    let only = hosts.first().copied().unwrap_or("");
    when(hosts.len() == 1 && f.clicks().count() >= 3 && only != from && f.html.parts > 0, only)
}
