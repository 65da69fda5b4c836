//! HTML without the name of a program that wrote it.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "no_program",
    group: SignGroup::Program,
    points: Points::Fitted(0),
    about: "HTML without the name of a program that wrote it.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &["X-Mailer: a\nContent-Type: text/html\n\n<p>x</p>\n", "From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.parts > 0 && mailer(f).is_empty() && !f.has("x-mimeole"), "HTML")
}
