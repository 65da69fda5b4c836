//! The text has two phrases or more about excuses for writing, and promises to stop.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "excuse_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(112),
    about: "The text has two phrases or more about excuses for writing, and promises to stop.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nthis is not spam, to be removed, one time mailing, section 301\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nnot a spam\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "excuse", 2)
}
