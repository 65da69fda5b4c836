//! Fortunes of several kinds: of the dead, of banks, of lotteries, of somebody who is ill.

use mail::evidence::SignGroup;

use super::{FORTUNES, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "fortunes",
    group: SignGroup::Composite,
    points: Points::Fitted(59),
    about: "Fortunes of several kinds: of the dead, of banks, of lotteries, of somebody who is ill.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmy late husband, next of kin, million dollars, branch manager, excess profit\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nthe branch manager has a head office\n", "Subject: x\n\nlunch?\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(at_least(f, FORTUNES, 2), "two kinds")
}
