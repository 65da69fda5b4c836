//! The date's zone is missing or a word.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "date_without_zone",
    group: SignGroup::Identity,
    points: Points::Fitted(13),
    about: "The date's zone is missing or a word.",
    check,
    #[cfg(test)]
    fires: &["Date: Tue, 19 Sep 2023 14:11:40", "Date: Tue, 19 Sep 2023 14:11:40 EST"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 14:11:40 +0200", "Date: Tue, 19 Sep 2023 14:11:40 GMT"],
};

fn check(f: &Facts) -> Option<String> {
    f.date
        .filter(|date| !date.numeric && !f.field("date").unwrap_or("").trim_end().ends_with("GMT"))
        .map(|_| f.field("date").unwrap_or("").to_owned())
}
