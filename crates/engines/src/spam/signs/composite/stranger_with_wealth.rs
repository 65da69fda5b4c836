//! A stranger introduces themselves and speaks of large sums.

use mail::evidence::SignGroup;

use super::{all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "stranger_with_wealth",
    group: SignGroup::Composite,
    points: Points::Fitted(3),
    about: "A stranger introduces themselves and speaks of large sums.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nDear friend, my name is Ann, with due respect: my late husband left $5,000,000.00, \
         the funds, bank account\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nmy name is Ann\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        all(f, &["stranger", "wealth"]) && at_least(f, &["stranger_2", "wealth_2", "fraud_2", "large_sum", "dear"], 2),
        "introduction and money",
    )
}
