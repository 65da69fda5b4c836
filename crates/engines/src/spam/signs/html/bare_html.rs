//! HTML without its html or body element.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "bare_html",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "HTML without its html or body element.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p>x\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<html><body>x</body></html>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.parts > 0 && !f.html.has_html && !f.html.has_body, "no html, no body")
}
