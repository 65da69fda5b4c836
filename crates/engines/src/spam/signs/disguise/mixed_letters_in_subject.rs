//! A word of the subject mixes Latin letters with look-alikes of another script.

use mail::evidence::SignGroup;

use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "mixed_letters_in_subject",
    group: SignGroup::Disguise,
    points: Points::AtLeast { least: 100, fitted: 116 },
    about: "A word of the subject mixes Latin letters with look-alikes of another script.",
    check,
    #[cfg(test)]
    fires: &["Subject: =?utf-8?Q?P=D0=B0yp=D0=B0l?="],
    #[cfg(test)]
    quiet: &["Subject: Paypal", "Subject: =?utf-8?B?0L/RgNC40LLQtdGC?="],
};

fn check(f: &Facts) -> Option<String> {
    some(&f.subject_folding.mixed_word)
}
