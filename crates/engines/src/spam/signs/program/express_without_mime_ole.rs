//! It says Outlook Express, which always adds X-MimeOLE.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "express_without_mime_ole",
    group: SignGroup::Program,
    points: Points::Fitted(120),
    about: "It says Outlook Express, which always adds X-MimeOLE.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: Microsoft Outlook Express 6.00.2600.0000"],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook Express 6.00\nX-MimeOLE: Produced By Microsoft MimeOLE V6", "X-Mailer: Mutt"],
};

fn check(f: &Facts) -> Option<String> {
    when(mailer(f).contains("outlook express") && !f.has("x-mimeole"), f.field("x-mailer").unwrap_or(""))
}
