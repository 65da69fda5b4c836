//! X-MSMail-Priority stands without X-MimeOLE.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "ms_priority_without_ole",
    group: SignGroup::Program,
    points: Points::Fitted(17),
    about: "X-MSMail-Priority stands without X-MimeOLE.",
    check,
    #[cfg(test)]
    fires: &["X-MSMail-Priority: Normal"],
    #[cfg(test)]
    quiet: &["X-MSMail-Priority: Normal\nX-MimeOLE: x"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.has("x-msmail-priority") && !f.has("x-mimeole"), "X-MSMail-Priority")
}
