//! The date is three hours or more away from when the message came.

use mail::evidence::SignGroup;

use super::late;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "date_some_hours_off",
    group: SignGroup::Identity,
    points: Points::Fitted(0),
    about: "The date is three hours or more away from when the message came.",
    check,
    #[cfg(test)]
    fires: &["Date: Tue, 19 Sep 2023 08:11:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 12:01:40 +0000\nReceived: from a by b; Tue, 19 Sep 2023 12:11:42 +0000"],
};

fn check(f: &Facts) -> Option<String> {
    late(f).filter(|late| late.saturating_abs() > 3 * 3600).map(|late| format!("{late} s"))
}
