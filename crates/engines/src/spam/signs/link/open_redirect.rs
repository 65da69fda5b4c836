//! A link leads through another site to where it really leads.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "open_redirect",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link leads through another site to where it really leads.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttps://a.example/r?u=http://b.example/\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        let path = link.path.to_lowercase();
        let tail = path.get(1..).unwrap_or("");
        tail.contains("http://")
            || tail.contains("https://")
            || tail.contains("http%3a")
            || tail.contains("https%3a")
            || link.host.contains("google.") && (path.starts_with("/url?") || path.starts_with("/amp/"))
    })
}
