//! A text is in base64.

use mail::evidence::SignGroup;
use mail::graph::Encoding;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "base64_text",
    group: SignGroup::Structure,
    points: Points::Fitted(0),
    about: "A text is in base64.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.parts.iter().any(|p| p.media.starts_with("text/") && !p.attachment && p.encoding == Encoding::Base64),
        "base64",
    )
}
