//! The subject names percents.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "percent_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(103),
    about: "The subject names percents.",
    check,
    #[cfg(test)]
    fires: &["Subject: 80% off"],
    #[cfg(test)]
    quiet: &["Subject: the % sign"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.subject
            .match_indices('%')
            .any(|(at, _)| f.subject.get(..at).is_some_and(|b| b.trim_end().ends_with(|c: char| c.is_ascii_digit()))),
        "%",
    )
}
