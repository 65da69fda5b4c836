//! A multipart has one part.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mixed_of_one",
    group: SignGroup::Structure,
    points: Points::Fitted(133),
    about: "A multipart has one part.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.parts.iter().any(|p| p.media != "multipart/alternative" && p.children.is_some_and(|c| c <= 1)), "one part")
}
