//! Auto-Submitted says that a program replied or generated (RFC 3834).
//!
//! Sending services write that it generated a newsletter, too: what one can unsubscribe from is no notification.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "automatic_reply",
    group: SignGroup::Automatic,
    points: Points::Fixed(500),
    about: "Auto-Submitted says that a program replied or generated (RFC 3834).",
    check,
    #[cfg(test)]
    fires: &[
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "Auto-Submitted: auto-replied\nList-Unsubscribe: <https://lists.example.org/u/1>",
    ],
    #[cfg(test)]
    quiet: &["Auto-Submitted: no", "Auto-Submitted: auto-generated\nList-Unsubscribe: <https://lists.example.org/u/1>"],
};

fn check(f: &Facts) -> Option<String> {
    let value = f.field("auto-submitted")?;
    let lower = value.to_ascii_lowercase();
    let is_newsletter = lower.starts_with("auto-generated") && f.has("list-unsubscribe");
    (lower.starts_with("auto-") && !is_newsletter).then(|| value.to_owned())
}
