//! The text has four phrases or more about an answer that a stranger wants, without saying for what.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "opener_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(50),
    about: "The text has four phrases or more about an answer that a stranger wants, without saying for what.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\ndid you receive my last email? please reply, get back to me for full details\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\ndid you receive my; did you get my; my previous email\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "opener", 4)
}
