//! An address of the web stands in the subject.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(0),
    about: "An address of the web stands in the subject.",
    check,
    #[cfg(test)]
    fires: &["Subject: see www.example.com"],
    #[cfg(test)]
    quiet: &["Subject: see it"],
};

fn check(f: &Facts) -> Option<String> {
    let lower = f.subject.to_lowercase();
    ["http://", "https://", "www.", ".com ", ".ru "].iter().find(|w| lower.contains(*w)).map(|w| (*w).to_owned())
}
