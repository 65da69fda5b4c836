//! The text has two phrases or more about a bank's insider or an investor, and money that is to be shared.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "insider_2",
    group: SignGroup::Phrase,
    points: Points::Fitted(116),
    about: "The text has two phrases or more about a bank's insider or an investor, and money that is to be shared.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbranch manager at a bank: excess profit in a suspense account, to receive this fund \
         in your country\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nbranch manager\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "insider", 2)
}
