//! HTML has many attributes that mean nothing.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "made_up_attributes",
    group: SignGroup::Html,
    points: Points::Fitted(47),
    about: "HTML has many attributes that mean nothing.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p ab cd ef gh ij kl mn>x\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<td nowrap>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.bare >= 6, format!("{} attributes", f.html.bare))
}
