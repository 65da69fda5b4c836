//! The subject has many blanks or dots in a row (HR-05).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_05_blanks_in_subject",
    group: SignGroup::Subject,
    points: Points::AtLeast { least: 50, fitted: 150 },
    about: "The subject has many blanks or dots in a row (HR-05).",
    check,
    #[cfg(test)]
    fires: &["Subject: Buy now          xk27", "Subject: wait......... what"],
    #[cfg(test)]
    quiet: &["Subject: well... what now", "Subject: a  b"],
};

fn check(f: &Facts) -> Option<String> {
    ["     ", "......", "\t\t", ". . . .", "\u{3000}\u{3000}\u{3000}", "\u{a0}\u{a0}\u{a0}"]
        .iter()
        .find(|run| f.subject.trim().contains(**run))
        .map(|run| format!("{run:?}"))
}
