//! Several words of the subject are all capitals.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_loud;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "half_loud_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(0),
    about: "Several words of the subject are all capitals.",
    check,
    #[cfg(test)]
    fires: &["Subject: get your FREE GIFT now"],
    #[cfg(test)]
    quiet: &["Subject: the NATO plan"],
};

fn check(f: &Facts) -> Option<String> {
    let count = f
        .subject
        .split_whitespace()
        .filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() >= 4 && is_loud(w, 4))
        .count();
    when(count >= 2 && !is_loud(&f.subject, 10), format!("{count} words"))
}
