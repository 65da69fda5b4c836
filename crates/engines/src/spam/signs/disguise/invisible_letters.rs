//! Characters that show nothing stand inside of words.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "invisible_letters",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "Characters that show nothing stand inside of words.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\na\u{200b}b\u{200b}c\u{200b}d\u{200b}e\n"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    let count = f.subject_folding.invisible.saturating_add(f.folding.invisible);
    when(count >= 4, format!("{count} characters"))
}
