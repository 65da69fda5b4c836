//! Words of the text mix Latin letters with look-alikes of another script.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mixed_letters_in_text",
    group: SignGroup::Disguise,
    points: Points::Fitted(25),
    about: "Words of the text mix Latin letters with look-alikes of another script.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=utf-8\n\nYour w\u{430}llet and your \u{430}ccount\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nwallet\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.folding.mixed_words >= 2, f.folding.mixed_word.as_str())
}
