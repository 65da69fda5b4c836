//! Several styles of the HTML hide or shrink text to nothing.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hiding_styles",
    group: SignGroup::Html,
    points: Points::Fitted(82),
    about: "Several styles of the HTML hide or shrink text to nothing.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n\
         <i style='display:none'>a</i><i style='display:none'>b</i><i style='font-size:0'>c</i>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p style='display:none'>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.html.hiding >= 3, format!("{} styles", f.html.hiding))
}
