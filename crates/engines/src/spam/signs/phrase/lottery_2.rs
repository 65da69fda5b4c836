//! The text has two phrases or more about something that was won.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "lottery_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(2),
    about: "The text has two phrases or more about something that was won.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nlottery: you have won, congratulations, claim your prize\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nyou have won\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "lottery", 2)
}
