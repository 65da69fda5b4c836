//! HTML that begins with an html element does not end with it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "unclosed_html",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "HTML that begins with an html element does not end with it.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<html><body>x\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<html><body>x</body></html>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.has_html && !f.html.closed, "no end")
}
