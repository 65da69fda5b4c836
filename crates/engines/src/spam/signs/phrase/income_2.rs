//! The text has two phrases or more about easy money.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "income_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has two phrases or more about easy money.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmake money, extra income, work from home, financial freedom\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nmake money\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "income", 2)
}
