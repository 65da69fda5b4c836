//! The text has two phrases or more about somebody who is ill, bereaved or pious, and gives money away.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "donor_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(146),
    about: "The text has two phrases or more about somebody who is ill, bereaved or pious, and gives money away.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmy late husband and i were childless; diagnosed with cancer, to donate to orphans, \
         god bless\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\ndonated to you\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "donor", 2)
}
