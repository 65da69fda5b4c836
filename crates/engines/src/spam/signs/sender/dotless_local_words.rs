//! The part in front of the @ is a phrase: three words or more with marks between.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "dotless_local_words",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The part in front of the @ is a phrase: three words or more with marks between.",
    check,
    #[cfg(test)]
    fires: &["From: best-new-offer-today@example.org"],
    #[cfg(test)]
    quiet: &["From: ann.b.writer@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender()
        .filter(|from| from.local().split(['-', '_', '.', '+']).filter(|w| w.len() > 1).count() >= 4)
        .map(|from| from.address.clone())
}
