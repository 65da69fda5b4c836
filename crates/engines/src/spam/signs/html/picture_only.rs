//! A picture, and hardly a word of text.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "picture_only",
    group: SignGroup::Html,
    points: Points::Fitted(129),
    about: "A picture, and hardly a word of text.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<img src=http://a.example/x.jpg>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    let length = f.html.text.trim().len();
    when(f.html.images > f.html.pixels && length < 100 && f.plain.trim().len() < 200, format!("{length} bytes of text"))
}
