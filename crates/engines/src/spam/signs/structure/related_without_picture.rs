//! HTML with its pictures, without a picture.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "related_without_picture",
    group: SignGroup::Structure,
    points: Points::Fitted(143),
    about: "HTML with its pictures, without a picture.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x</p>\n--b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.parts.iter().any(|p| p.media == "multipart/related")
            && !f.parts.iter().any(|p| {
                p.media.starts_with("image/") || p.media.starts_with("application/") || p.media.starts_with("audio/")
            }),
        "no picture",
    )
}
