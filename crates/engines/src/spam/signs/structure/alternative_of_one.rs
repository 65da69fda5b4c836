//! A choice between forms has one form.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "alternative_of_one",
    group: SignGroup::Structure,
    points: Points::Fitted(150),
    about: "A choice between forms has one form.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.parts.iter().any(|p| p.media == "multipart/alternative" && p.children == Some(1)), "one form")
}
