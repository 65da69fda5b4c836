//! Letters of the subject became question marks: it was written in a charset that it does not name.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "question_marks_for_letters",
    group: SignGroup::Subject,
    points: Points::Fitted(4),
    about: "Letters of the subject became question marks: it was written in a charset that it does not name.",
    check,
    #[cfg(test)]
    fires: &["Subject: ???? ??????"],
    #[cfg(test)]
    quiet: &["Subject: what??"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.subject.contains("????"), "????")
}
