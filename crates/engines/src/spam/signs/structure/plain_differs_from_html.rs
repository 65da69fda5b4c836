//! The plain text says something else than the HTML.

use std::collections::BTreeSet;

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Fewest different words of an HTML text that a plain one is compared with.
const FEW_WORDS: usize = 15;

pub(super) const SIGN: Row = Row {
    id: "plain_differs_from_html",
    group: SignGroup::Structure,
    points: Points::Fitted(0),
    about: "The plain text says something else than the HTML.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n\
         nothing of what stands below\n--b\nContent-Type: text/html\n\n\
         <p>one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
         seventeen eighteen nineteen twenty twentyone twentytwo</p>\n--b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x</p>\n"],
};

/// Whether the plain text lacks most of the words of the HTML.
fn check(f: &Facts) -> Option<String> {
    if f.plain.trim().is_empty() || f.html.text.trim().is_empty() {
        return None;
    }
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|w| w.chars().count() >= 4)
            .take(2000)
            .map(str::to_lowercase)
            .collect()
    };
    let (plain, html) = (words(&f.plain), words(&f.html.text));
    if html.len() < FEW_WORDS && plain.len() < FEW_WORDS || plain.is_empty() {
        return None;
    }
    let common = plain.intersection(&html).count();
    let fewer = plain.len().min(html.len()).max(1);
    let percent = common.saturating_mul(100).checked_div(fewer).unwrap_or(100);
    when(percent < 30, format!("{percent} % of the words are in both"))
}
