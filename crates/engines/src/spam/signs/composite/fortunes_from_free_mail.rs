//! Fortunes of several kinds, from or for an address of a free mail provider.

use mail::evidence::SignGroup;

use super::{FORTUNES, at_least, free_mail};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "fortunes_from_free_mail",
    group: SignGroup::Composite,
    points: Points::Fitted(187),
    about: "Fortunes of several kinds, from or for an address of a free mail provider.",
    check,
    #[cfg(test)]
    fires: &["From: a@gmail.com\nSubject: x\n\n\
         my late husband, next of kin, million dollars, branch manager, excess profit\n"],
    #[cfg(test)]
    quiet: &["From: a@gmail.com\nSubject: x\n\nthe branch manager\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(free_mail(f) && at_least(f, FORTUNES, 2), "two kinds and free mail")
}
