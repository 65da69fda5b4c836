//! HTML has scripts.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "script",
    group: SignGroup::Html,
    points: Points::Fitted(25),
    about: "HTML has scripts.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<script>x()</script><p>x\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.scripts > 0, format!("{} scripts", f.html.scripts))
}
