//! A short text without a link: somebody who names no one wants an answer.

use mail::evidence::SignGroup;

use super::{SHORT, all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stranger_wants_answer",
    group: SignGroup::Composite,
    points: Points::Fitted(120),
    about: "A short text without a link: somebody who names no one wants an answer.",
    check,
    #[cfg(test)]
    fires: &["Subject: HELLO FRIEND\n\nDear friend, I have a proposal for you.\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nI have a proposal for you: https://a.example/\n", "Subject: lunch on Monday\n\nsee you\n"],
};

fn check(f: &Facts) -> Option<String> {
    let short = f.shown().len() < SHORT && f.clicks().next().is_none();
    when(
        short
            && at_least(f, &["dear", "one_word_subject", "empty_subject", "loud_subject"], 1)
            && all(f, &["stranger"]),
        "asks a stranger",
    )
}
