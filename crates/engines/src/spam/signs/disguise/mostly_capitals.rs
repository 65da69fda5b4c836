//! A third of all letters are capitals.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mostly_capitals",
    group: SignGroup::Disguise,
    points: Points::Fitted(44),
    about: "A third of all letters are capitals.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nTHIS IS YOUR CHANCE TO MAKE MONEY AND MORE MONEY EVERY DAY OF YOUR LIFE SO DO NOT \
         MISS THIS OFFER EVER AGAIN AND WRITE TODAY TO US OR CALL\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nThis is not.\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.folding.letters > 100 && f.folding.capitals.saturating_mul(3) > f.folding.letters,
        format!("{} of {}", f.folding.capitals, f.folding.letters),
    )
}
