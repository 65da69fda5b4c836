//! An attachment is encrypted, so that no filter looks into it.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "encrypted_attachment",
    group: SignGroup::Attachment,
    points: Points::Fixed(50),
    about: "An attachment is encrypted, so that no filter looks into it.",
    check,
    #[cfg(test)]
    fires: &[],
    #[cfg(test)]
    quiet: &["Content-Type: application/zip; name=a.zip\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |a| a.encrypted)
}
