//! Who does not want more is to write to an address of its own.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mailto_to_leave",
    group: SignGroup::Link,
    points: Points::Fitted(58),
    about: "Who does not want more is to write to an address of its own.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<a href=\"mailto:x@example.org?subject=remove\">x</a>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<a href=mailto:a@example.org>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    f.links
        .iter()
        .find(|link| {
            link.scheme == "mailto"
                && ["remove", "unsub", "optout", "opt-out", "delete", "off"]
                    .iter()
                    .any(|w| link.path.to_lowercase().contains(w))
        })
        .map(|link| link.path.chars().take(60).collect())
}
