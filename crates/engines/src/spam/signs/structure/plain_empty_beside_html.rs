//! The plain text beside the HTML is empty or a few letters.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "plain_empty_beside_html",
    group: SignGroup::Structure,
    points: Points::Fitted(51),
    about: "The plain text beside the HTML is empty or a few letters.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n\n--b\n\
         Content-Type: text/html\n\n<p>a text that is long enough to be more than a few letters of it</p>\n\
         --b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.html.parts > 0
            && f.plain.trim().len() < 20
            && f.html.text.trim().len() > 60
            && f.parts.iter().any(|p| p.media == "text/plain" && !p.attachment),
        "an empty text",
    )
}
