//! The text has a phrase about somebody who is ill, bereaved or pious, and gives money away.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "donor",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has a phrase about somebody who is ill, bereaved or pious, and gives money away.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmy late husband and i were childless; diagnosed with cancer, to donate to orphans, \
         god bless\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "donor", 1)
}
