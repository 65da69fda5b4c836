//! The text has four phrases or more about large sums, and the dead or distant people that they belong to.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "wealth_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(76),
    about: "The text has four phrases or more about large sums, and the dead or distant people that they belong to.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmillion dollars of my late husband, next of kin, bank account, inheritance\n"],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nplain words\n",
        "Subject: x\n\nmillion dollars; million united states; united states dollars\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "wealth", 4)
}
