//! The date's zone is one that no place has.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "date_zone_impossible",
    group: SignGroup::Identity,
    points: Points::Fitted(120),
    about: "The date's zone is one that no place has.",
    check,
    #[cfg(test)]
    fires: &["Date: Tue, 19 Sep 2023 14:11:40 -1900", "Date: Tue, 19 Sep 2023 14:11:40 +0207"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 14:11:40 +0530"],
};

fn check(f: &Facts) -> Option<String> {
    f.date
        .filter(|date| !(-720..=840).contains(&date.zone) || date.zone.checked_rem(15).is_some_and(|rest| rest != 0))
        .map(|date| format!("{} minutes", date.zone))
}
