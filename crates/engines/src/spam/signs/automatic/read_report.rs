//! A report that a message was read (RFC 8098).

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "read_report",
    group: SignGroup::Automatic,
    points: Points::Fixed(600),
    about: "A report that a message was read (RFC 8098).",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/disposition-notification\n\nx\n--b--\n"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.parts.iter().any(|p| p.media == "message/disposition-notification"), "disposition-notification")
}
