//! List-Unsubscribe-Post: one click leaves (RFC 8058).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "list_unsubscribe_post",
    group: SignGroup::Bulk,
    points: Points::Fixed(200),
    about: "List-Unsubscribe-Post: one click leaves (RFC 8058).",
    check,
    #[cfg(test)]
    fires: &["List-Unsubscribe-Post: List-Unsubscribe=One-Click"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("list-unsubscribe-post").map(str::to_owned)
}
