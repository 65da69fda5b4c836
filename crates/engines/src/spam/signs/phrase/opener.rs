//! The text has a phrase about an answer that a stranger wants, without saying for what.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "opener",
    group: SignGroup::Phrase,
    points: Points::Fitted(21),
    about: "The text has a phrase about an answer that a stranger wants, without saying for what.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ndid you receive my last email? please reply, get back to me for full details\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "opener", 1)
}
