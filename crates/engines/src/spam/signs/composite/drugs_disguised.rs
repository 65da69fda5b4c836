//! Medicines are sold, in words that are written past filters.

use mail::evidence::SignGroup;

use super::at_least;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "drugs_disguised",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "Medicines are sold, in words that are written past filters.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nv1agra and c1alis, valium without a prescription\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nvalium\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(
            f,
            &["disguised_word", "digits_for_letters", "spaced_letters", "split_words", "mixed_letters_in_text"],
            1,
        ) && at_least(f, &["drugs", "pharma", "explicit", "diet", "disguised_word"], 2),
        "disguised medicines",
    )
}
