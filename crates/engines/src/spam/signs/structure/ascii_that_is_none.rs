//! A text says us-ascii, or nothing, and is not.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "ascii_that_is_none",
    group: SignGroup::Structure,
    points: Points::Fitted(0),
    about: "A text says us-ascii, or nothing, and is not.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=us-ascii\n\nGrüße\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.parts.iter().any(|p| (p.charset.is_empty() || p.charset == "us-ascii") && p.eight_bit && !p.attachment),
        "letters beyond ASCII",
    )
}
