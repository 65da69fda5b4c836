//! The text has four phrases or more about medicines by name.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "drugs_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(35),
    about: "The text has four phrases or more about medicines by name.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nviagra, cialis, xanax, valium\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nlevitra; vicodin; phentermine\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "drugs", 4)
}
