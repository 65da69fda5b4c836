//! The text has four phrases or more about friendship and love that a stranger offers.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "suitor_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(36),
    about: "The text has four phrases or more about friendship and love that a stranger offers.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ni am a sergeant of the us army, i saw your profile and want true love, to know more \
         about you\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nsergeant; us army; american soldier\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "suitor", 4)
}
