//! The subject is decorated: stars, hashes, arrows, brackets.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "marks_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(28),
    about: "The subject is decorated: stars, hashes, arrows, brackets.",
    check,
    #[cfg(test)]
    fires: &["Subject: ** win **"],
    #[cfg(test)]
    quiet: &["Subject: [list] win", "Subject: a * b"],
};

fn check(f: &Facts) -> Option<String> {
    ["**", "==", ">>", "<<", "~~", "##", "★", "☆", "✅", "►", "»", "【", "♥", "✔", "!*", "*!", "$$", "||"]
        .iter()
        .find(|m| f.subject.contains(**m))
        .map(|m| (*m).to_owned())
}
