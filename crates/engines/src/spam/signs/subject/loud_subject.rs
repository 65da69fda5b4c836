//! The subject is all capitals.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_loud;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "loud_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(106),
    about: "The subject is all capitals.",
    check,
    #[cfg(test)]
    fires: &["Subject: MAKE MONEY FAST"],
    #[cfg(test)]
    quiet: &["Subject: Make money", "Subject: FAQ"],
};

fn check(f: &Facts) -> Option<String> {
    when(is_loud(&f.subject, 10) && f.subject.contains(' '), "capitals only")
}
