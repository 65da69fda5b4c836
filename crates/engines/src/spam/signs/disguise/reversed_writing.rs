//! Characters turn the direction of writing in a text that needs none.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "reversed_writing",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "Characters turn the direction of writing in a text that needs none.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\na\u{202e}b\n"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.subject_folding.bidi.saturating_add(f.folding.bidi) > 0 && f.scripts.semitic == 0, "direction marks")
}
