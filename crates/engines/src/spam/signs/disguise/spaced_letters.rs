//! A word of the text has something between its letters.

use mail::evidence::SignGroup;

use crate::spam::signs::subject::spaced;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "spaced_letters",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "A word of the text has something between its letters.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbuy v-i-a-g-r-a here\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nbuy it here\n"],
};

fn check(f: &Facts) -> Option<String> {
    spaced(f.folding.text.get(..f.folding.text.floor_char_boundary(2000)).unwrap_or(""))
}
