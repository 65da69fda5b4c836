//! The message was written after it came.

use mail::evidence::SignGroup;

use super::late;
use crate::spam::{Facts, Points, Row};

/// Seconds by which a clock may be wrong.
const SKEW: i64 = 6 * 3600;

pub(super) const SIGN: Row = Row {
    id: "date_in_future",
    group: SignGroup::Identity,
    points: Points::Fitted(170),
    about: "The message was written after it came.",
    check,
    #[cfg(test)]
    fires: &["Date: Tue, 19 Sep 2023 23:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 12:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    late(f).filter(|late| *late < -SKEW).map(|late| format!("{} s ahead", late.saturating_neg()))
}
