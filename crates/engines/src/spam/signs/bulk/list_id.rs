//! List-Id: a mailing list (RFC 2919).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "list_id",
    group: SignGroup::Bulk,
    points: Points::Fixed(200),
    about: "List-Id: a mailing list (RFC 2919).",
    check,
    #[cfg(test)]
    fires: &["List-Id: <a.example.org>"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("list-id").map(str::to_owned)
}
