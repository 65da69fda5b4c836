//! An attachment, and no text that speaks of it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "attachment_without_text",
    group: SignGroup::Structure,
    points: Points::Fitted(147),
    about: "An attachment, and no text that speaks of it.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: application/pdf; name=a.pdf\n\nx\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.shown().trim().len() < 15 && f.attached.iter().any(|a| a.attachment && !a.inside), "no text")
}
