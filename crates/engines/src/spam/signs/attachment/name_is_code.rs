//! An attachment's name is a code.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::signs::words::{digits, is_random};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "name_is_code",
    group: SignGroup::Attachment,
    points: Points::Fitted(120),
    about: "An attachment's name is a code.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: application/pdf; name=83749284.pdf\n\nx\n"],
    #[cfg(test)]
    quiet: &["Content-Type: application/pdf; name=report.pdf\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |a| {
        a.attachment
            && !a.inside
            && a.name
                .split('.')
                .next()
                .is_some_and(|stem| is_random(stem) || stem.len() >= 6 && digits(stem) == stem.len())
    })
}
