//! The text has four phrases or more about ways to become rich.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "getrich_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(120),
    about: "The text has four phrases or more about ways to become rich.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmake money, work at home, financial freedom, be your own boss\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nmake money; easy money; extra money\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "getrich", 4)
}
