//! Fortunes of four kinds or more.

use mail::evidence::SignGroup;

use super::{FORTUNES, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "fortunes_of_many_kinds",
    group: SignGroup::Composite,
    points: Points::Fitted(99),
    about: "Fortunes of four kinds or more.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmy name is Ann, with due respect: my late husband, next of kin, million dollars, bank \
         account; branch manager, excess profit; atm card, your full name\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nmy late husband, next of kin, million dollars\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(at_least(f, FORTUNES, 4), "four kinds")
}
