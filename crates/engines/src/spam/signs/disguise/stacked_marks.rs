//! Letters of Latin have marks put upon them.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stacked_marks",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "Letters of Latin have marks put upon them.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\na\u{301}b\u{301}c\u{301}d\u{301}e\u{301}\n"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.folding.stacked.saturating_add(f.subject_folding.stacked) >= 5, "marks")
}
