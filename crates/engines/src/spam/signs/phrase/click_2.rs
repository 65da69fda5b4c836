//! The text has two phrases or more about something to click on.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "click_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has two phrases or more about something to click on.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nclick here, link below, visit our site, please click\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nclick here\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "click", 2)
}
