//! The text is HTML, without a plain one.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "html_only",
    group: SignGroup::Structure,
    points: Points::Fitted(3),
    about: "The text is HTML, without a plain one.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(is(f), "HTML only")
}

/// Whether there is HTML and nothing plain.
pub(super) fn is(f: &Facts) -> bool {
    f.html.parts > 0 && f.plain.trim().is_empty() && !f.parts.iter().any(|p| p.media == "text/plain" && !p.attachment)
}
