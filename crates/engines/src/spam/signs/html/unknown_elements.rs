//! HTML has elements that do not exist.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "unknown_elements",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "HTML has elements that do not exist.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<zork>x<blub>y\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x<o:p>y</o:p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.unknown >= 2, format!("{} elements", f.html.unknown))
}
