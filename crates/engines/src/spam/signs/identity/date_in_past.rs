//! The message was written long before it came.

use mail::evidence::SignGroup;

use super::late;
use crate::spam::{Facts, Points, Row};

const DAY: i64 = 24 * 3600;

pub(super) const SIGN: Row = Row {
    id: "date_in_past",
    group: SignGroup::Identity,
    points: Points::Fitted(13),
    about: "The message was written long before it came.",
    check,
    #[cfg(test)]
    fires: &["Date: Tue, 12 Sep 2023 12:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 12:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    late(f).filter(|late| *late > DAY).map(|late| format!("{late} s ago"))
}
