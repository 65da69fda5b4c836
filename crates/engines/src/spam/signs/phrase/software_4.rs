//! The text has four phrases or more about cheap software.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "software_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(19),
    about: "The text has four phrases or more about cheap software.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\noem, cheap software, adobe, photoshop\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\ncheap software; low price software; photoshop\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "software", 4)
}
