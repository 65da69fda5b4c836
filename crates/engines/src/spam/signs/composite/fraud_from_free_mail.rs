//! Somebody at a free mail provider speaks of large sums or asks a stranger for trust.

use mail::evidence::SignGroup;

use super::{at_least, free_mail};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "fraud_from_free_mail",
    group: SignGroup::Composite,
    points: Points::Fitted(146),
    about: "Somebody at a free mail provider speaks of large sums or asks a stranger for trust.",
    check,
    #[cfg(test)]
    fires: &["From: a@gmail.com\nSubject: x\n\nmy late husband, next of kin, million dollars, the funds\n"],
    #[cfg(test)]
    quiet: &[
        "From: a@example.org\nSubject: x\n\nmy late husband, next of kin, million dollars\n",
        "From: a@gmail.com\nSubject: x\n\nlunch?\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(
        free_mail(f) && at_least(f, &["fraud_2", "wealth_2", "stranger_2", "lender_2", "lottery_2"], 1),
        "money and free mail",
    )
}
