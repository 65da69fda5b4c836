//! The markup is far longer than what it shows.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "much_markup",
    group: SignGroup::Html,
    points: Points::Fitted(108),
    about: "The markup is far longer than what it shows.",
    check,
    #[cfg(test)]
    fires: &[include_str!("much_markup.eml")],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.html.parts > 0 && f.html.bytes > 3000 && f.html.text.len().saturating_mul(25) < f.html.bytes,
        format!("{} bytes for {}", f.html.bytes, f.html.text.len()),
    )
}
