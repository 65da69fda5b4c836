//! A mail address stands in the subject.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "address_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(88),
    about: "A mail address stands in the subject.",
    check,
    #[cfg(test)]
    fires: &["Subject: Notice for bob@example.net"],
    #[cfg(test)]
    quiet: &["Subject: meet @ ten"],
};

fn check(f: &Facts) -> Option<String> {
    f.subject
        .split_whitespace()
        .find(|w| w.contains('@') && w.rsplit('@').next().is_some_and(|d| d.contains('.')))
        .map(str::to_owned)
}
