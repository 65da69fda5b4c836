//! The subject begins with a number and goes on to praise.

use mail::evidence::SignGroup;

use super::is_answer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "number_first_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(9),
    about: "The subject begins with a number and goes on to praise.",
    check,
    #[cfg(test)]
    fires: &["Subject: 5 ways to win"],
    #[cfg(test)]
    quiet: &["Subject: win in 5 ways"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.subject.trim_start().starts_with(|c: char| c.is_ascii_digit())
            && f.subject.split_whitespace().count() > 2
            && !is_answer(f),
        "a number first",
    )
}
