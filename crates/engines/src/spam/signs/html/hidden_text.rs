//! HTML hides text from its reader: by colour, size, or style.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hidden_text",
    group: SignGroup::Html,
    points: Points::Fitted(66),
    about: "HTML hides text from its reader: by colour, size, or style.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n\
         <p>x<span \
         style='display:none'>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</span></p>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    let hidden = f.html.hidden.trim().len();
    when(hidden > 120, format!("{hidden} bytes"))
}
