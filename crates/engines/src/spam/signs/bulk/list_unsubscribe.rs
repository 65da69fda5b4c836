//! List-Unsubscribe: somebody delivers in bulk and says how to leave (RFC 2369).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "list_unsubscribe",
    group: SignGroup::Bulk,
    points: Points::Fixed(300),
    about: "List-Unsubscribe: somebody delivers in bulk and says how to leave (RFC 2369).",
    check,
    #[cfg(test)]
    fires: &["List-Unsubscribe: <mailto:x@example.org>"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("list-unsubscribe").map(str::to_owned)
}
