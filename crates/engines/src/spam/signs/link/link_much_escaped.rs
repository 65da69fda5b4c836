//! A link's path hides plain letters behind escapes.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_much_escaped",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link's path hides plain letters behind escapes.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://a.example/%61%62%63%64%65%66%67%68%69\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/a%20b\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        link.path
            .match_indices('%')
            .filter(|(at, _)| {
                link.path
                    .get(at.saturating_add(1)..at.saturating_add(2))
                    .is_some_and(|d| matches!(d, "4" | "5" | "6" | "7"))
            })
            .count()
            >= 8
    })
}
