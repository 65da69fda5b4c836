//! A message is returned inside.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "returned_message",
    group: SignGroup::Automatic,
    points: Points::Fixed(150),
    about: "A message is returned inside.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\n\
         Subject: y\n\nz\n--b--\n"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.has_message
            && f.parts.iter().any(|p| matches!(p.media.as_str(), "message/rfc822" | "text/rfc822-headers"))
            && f.parts.first().is_some_and(|p| p.media == "multipart/report"),
        "a message",
    )
}
