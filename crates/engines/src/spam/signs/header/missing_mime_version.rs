//! MIME fields stand without MIME-Version.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "missing_mime_version",
    group: SignGroup::Header,
    points: Points::Fitted(22),
    about: "MIME fields stand without MIME-Version.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html"],
    #[cfg(test)]
    quiet: &["From: a@example.org", "Content-Type: text/html\nMIME-Version: 1.0"],
};

fn check(f: &Facts) -> Option<String> {
    when(!f.has("mime-version") && (f.has("content-type") || f.has("content-transfer-encoding")), "no MIME-Version")
}
