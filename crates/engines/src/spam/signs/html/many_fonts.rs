//! Nearly every piece of the HTML has a font of its own.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "many_fonts",
    group: SignGroup::Html,
    points: Points::Fitted(150),
    about: "Nearly every piece of the HTML has a font of its own.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<font>a<font>a<font>a<font>a<font>a<font>a<font>a<font>a</font>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<font>x</font>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.html.fonts >= 8 && f.html.fonts.saturating_mul(4) > f.html.tags,
        format!("{} of {} tags", f.html.fonts, f.html.tags),
    )
}
