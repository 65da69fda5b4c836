//! The text has four phrases or more about weight and age.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "diet_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(70),
    about: "The text has four phrases or more about weight and age.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nlose weight, diet, burn fat, belly fat\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nlose weight; weight loss; lose up to\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "diet", 4)
}
