//! Comments are a large part of the HTML.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "large_comments",
    group: SignGroup::Html,
    points: Points::Fitted(21),
    about: "Comments are a large part of the HTML.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n\
         <p>x<!-- \
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -->\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x<!-- a -->\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.html.comment_bytes > 400 && f.html.comment_bytes.saturating_mul(3) > f.html.bytes,
        format!("{} bytes of {}", f.html.comment_bytes, f.html.bytes),
    )
}
