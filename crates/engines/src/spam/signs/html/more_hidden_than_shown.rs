//! HTML hides more text than it shows.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "more_hidden_than_shown",
    group: SignGroup::Html,
    points: Points::Fitted(58),
    about: "HTML hides more text than it shows.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n\
         <p>x<font \
         color=white>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</font></p>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x<span style='display:none'>a</span></p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.html.hidden.trim().len() > 60 && f.html.hidden.len() > f.html.text.len(),
        format!("{} hidden, {} shown", f.html.hidden.len(), f.html.text.len()),
    )
}
