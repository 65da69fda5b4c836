//! The subject exclaims again and again.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "much_exclaiming_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(46),
    about: "The subject exclaims again and again.",
    check,
    #[cfg(test)]
    fires: &["Subject: You won!!"],
    #[cfg(test)]
    quiet: &["Subject: You won!"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.subject.matches(['!', '！']).count() >= 2 || f.subject.contains("?!") || f.subject.contains("!?"), "!!")
}
