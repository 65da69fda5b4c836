//! Tags or comments stand inside of words.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "split_words",
    group: SignGroup::Html,
    points: Points::Fitted(94),
    about: "Tags or comments stand inside of words.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\nvi<!-- a -->agra ci<!-- a -->alis lev<!-- b -->itra\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<b>one</b> two\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.split_words >= 3, format!("{} words", f.html.split_words))
}
