//! HTML has a form.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "form",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "HTML has a form.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<form action=http://a.example/><input name=a></form>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.forms > 0, format!("{} forms", f.html.forms))
}
