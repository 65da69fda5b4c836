//! The subject exclaims.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "exclaiming_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(0),
    about: "The subject exclaims.",
    check,
    #[cfg(test)]
    fires: &["Subject: You won!"],
    #[cfg(test)]
    quiet: &["Subject: You won"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.subject.contains('!') || f.subject.contains('！'), "!")
}
