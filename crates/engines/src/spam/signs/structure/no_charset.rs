//! A text does not say its charset, or HTML does not.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "no_charset",
    group: SignGroup::Structure,
    points: Points::Fitted(0),
    about: "A text does not say its charset, or HTML does not.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html; charset=utf-8\n\n<p>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.parts.iter().any(|p| p.media == "text/html" && p.charset.is_empty() && !p.attachment),
        "HTML without a charset",
    )
}
