//! X-MimeOLE stands without the program that writes it.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mime_ole_alone",
    group: SignGroup::Program,
    points: Points::Fitted(120),
    about: "X-MimeOLE stands without the program that writes it.",
    check,
    #[cfg(test)]
    fires: &["X-MimeOLE: Produced By Microsoft MimeOLE V6"],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook Express 6.00\nX-MimeOLE: Produced By Microsoft MimeOLE V6"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.has("x-mimeole") && mailer(f).is_empty(), "X-MimeOLE")
}
