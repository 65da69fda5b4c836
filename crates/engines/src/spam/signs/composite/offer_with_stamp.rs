//! An offer whose subject ends in a number or noise.

use mail::evidence::SignGroup;

use super::at_least;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "offer_with_stamp",
    group: SignGroup::Composite,
    points: Points::Fitted(137),
    about: "An offer whose subject ends in a number or noise.",
    check,
    #[cfg(test)]
    fires: &["Subject: Free quote     94821\n\nfree quote\n"],
    #[cfg(test)]
    quiet: &["Subject: Free quote\n\nfree quote\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, &["hr_05_blanks_in_subject", "hr_06_stamp_in_subject", "tail_in_subject", "noise_words"], 1)
            && at_least(
                f,
                &["seller", "getrich", "finance", "goods", "pharma", "diet", "adult", "drugs", "explicit"],
                1,
            ),
        "an offer with a stamp",
    )
}
