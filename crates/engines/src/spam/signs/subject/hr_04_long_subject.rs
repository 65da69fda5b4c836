//! The subject is longer than 250 characters (HR-04).

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Characters above which a subject is long (HR-04).
const LONG: usize = 250;

pub(super) const SIGN: Row = Row {
    id: "hr_04_long_subject",
    group: SignGroup::Subject,
    points: Points::AtLeast { least: 100, fitted: 120 },
    about: "The subject is longer than 250 characters (HR-04).",
    check,
    #[cfg(test)]
    fires: &["Subject: \
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
    #[cfg(test)]
    quiet: &["Subject: short"],
};

fn check(f: &Facts) -> Option<String> {
    let length = f.subject.chars().count();
    when(length > LONG, format!("{length} characters"))
}
