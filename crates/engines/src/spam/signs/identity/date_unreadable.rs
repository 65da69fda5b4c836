//! There is a Date field, and it is no date.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "date_unreadable",
    group: SignGroup::Identity,
    points: Points::Fitted(2),
    about: "There is a Date field, and it is no date.",
    check,
    #[cfg(test)]
    fires: &["Date: today"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 14:11:40 +0200"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.has("date") && f.date.is_none(), f.field("date").unwrap_or(""))
}
