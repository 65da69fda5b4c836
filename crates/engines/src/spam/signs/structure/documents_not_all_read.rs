//! Attached documents and texts are longer than is looked at for spam. Honest ones often are.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "documents_not_all_read",
    group: SignGroup::Structure,
    points: Points::Fixed(10),
    about: "Attached documents and texts are longer than is looked at for spam. Honest ones often are.",
    check,
    #[cfg(test)]
    fires: &[],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.session.more_documents, "the first 64 KiB are looked at")
}
