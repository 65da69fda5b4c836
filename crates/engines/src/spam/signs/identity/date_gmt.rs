//! The date's zone is the word GMT.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "date_gmt",
    group: SignGroup::Identity,
    points: Points::Fitted(40),
    about: "The date's zone is the word GMT.",
    check,
    #[cfg(test)]
    fires: &["Date: Tue, 19 Sep 2023 14:11:40 GMT"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 14:11:40 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.date.is_some() && f.field("date").unwrap_or("").trim_end().ends_with("GMT"), "GMT")
}
