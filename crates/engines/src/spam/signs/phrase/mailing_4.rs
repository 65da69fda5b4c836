//! The text has four phrases or more about advertising and addresses.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mailing_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(29),
    about: "The text has four phrases or more about advertising and addresses.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbulk email, email addresses, search engine, your website\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nemail addresses; million email; million addresses\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "mailing", 4)
}
