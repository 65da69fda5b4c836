//! The subject asks the reader something.

use mail::evidence::SignGroup;

use super::is_answer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "asking_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(17),
    about: "The subject asks the reader something.",
    check,
    #[cfg(test)]
    fires: &["Subject: Need a loan?"],
    #[cfg(test)]
    quiet: &["Subject: Re: lunch?", "Subject: a loan"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.subject.trim_end().ends_with('?') && !is_answer(f), "?")
}
