//! Text blinks or runs.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "moving_text",
    group: SignGroup::Html,
    points: Points::Fitted(22),
    about: "Text blinks or runs.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<marquee>x</marquee>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.moving > 0, "blink or marquee")
}
