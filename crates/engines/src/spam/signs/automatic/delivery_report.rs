//! A delivery report by its structure (RFC 3464): multipart/report with a status.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "delivery_report",
    group: SignGroup::Automatic,
    points: Points::Fixed(600),
    about: "A delivery report by its structure (RFC 3464): multipart/report with a status.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\n\
         Final-Recipient: rfc822; b@example.org\nAction: failed\nStatus: 5.1.1\n--b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"],
};

fn check(f: &Facts) -> Option<String> {
    let top = f.parts.first().is_some_and(|p| p.media == "multipart/report");
    when(
        top && f
            .parts
            .iter()
            .any(|p| matches!(p.media.as_str(), "message/delivery-status" | "message/global-delivery-status")),
        "multipart/report",
    )
}
