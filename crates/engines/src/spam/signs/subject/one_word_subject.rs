//! The subject is one short word, and no answer.

use mail::evidence::SignGroup;

use super::is_answer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "one_word_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(0),
    about: "The subject is one short word, and no answer.",
    check,
    #[cfg(test)]
    fires: &["Subject: hi"],
    #[cfg(test)]
    quiet: &["Subject: Re: hi", "Subject: the plan"],
};

fn check(f: &Facts) -> Option<String> {
    when(!is_answer(f) && f.subject.split_whitespace().count() == 1 && f.subject.trim().len() <= 12, f.subject.trim())
}
