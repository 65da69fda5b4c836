//! The text has two phrases or more about what costs nothing and cannot fail.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "promise_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has two phrases or more about what costs nothing and cannot fail.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nabsolutely free, no obligation, guaranteed, amazing\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nabsolutely free\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "promise", 2)
}
