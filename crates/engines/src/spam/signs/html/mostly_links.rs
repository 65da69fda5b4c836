//! Most of the text is links.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mostly_links",
    group: SignGroup::Html,
    points: Points::Fitted(6),
    about: "Most of the text is links.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n\
         <a href=http://a.example/>a long text that somebody is meant to click upon</a>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\nplain <a href=http://a.example/>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.html.linked_text > 40 && f.html.linked_text.saturating_mul(2) > f.html.text.len(),
        format!("{} of {} bytes", f.html.linked_text, f.html.text.len()),
    )
}
