//! Auto-Submitted says that a program replied or generated (RFC 3834).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "automatic_reply",
    group: SignGroup::Automatic,
    points: Points::Fixed(500),
    about: "Auto-Submitted says that a program replied or generated (RFC 3834).",
    check,
    #[cfg(test)]
    fires: &["Auto-Submitted: auto-replied"],
    #[cfg(test)]
    quiet: &["Auto-Submitted: no"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("auto-submitted").filter(|v| v.to_ascii_lowercase().starts_with("auto-")).map(str::to_owned)
}
