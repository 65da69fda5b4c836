//! There is no text at all.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "empty_text",
    group: SignGroup::Structure,
    points: Points::Fitted(50),
    about: "There is no text at all.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\n \n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.shown().trim().is_empty() && f.attached.iter().all(|a| !a.attachment), "nothing")
}
