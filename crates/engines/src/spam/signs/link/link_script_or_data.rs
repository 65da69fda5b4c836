//! A link is a script or holds a file.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_script_or_data",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link is a script or holds a file.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<a href=\"javascript:x()\">x</a>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<a href=http://a.example/>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    f.links
        .iter()
        .find(|link| matches!(link.scheme.as_str(), "javascript" | "data"))
        .map(|link| link.raw.chars().take(60).collect())
}
