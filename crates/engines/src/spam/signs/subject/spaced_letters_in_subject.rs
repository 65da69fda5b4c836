//! A word of the subject is written with something between its letters.

use mail::evidence::SignGroup;

use super::spaced;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "spaced_letters_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(16),
    about: "A word of the subject is written with something between its letters.",
    check,
    #[cfg(test)]
    fires: &["Subject: buy V.I.A.G.R.A now", "Subject: F R E E stuff"],
    #[cfg(test)]
    quiet: &["Subject: U.S. plan", "Subject: a b c"],
};

fn check(f: &Facts) -> Option<String> {
    spaced(&f.subject)
}
