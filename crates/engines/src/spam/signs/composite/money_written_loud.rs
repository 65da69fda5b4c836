//! Large sums, in capitals or exclamations.

use mail::evidence::SignGroup;

use super::at_least;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "money_written_loud",
    group: SignGroup::Composite,
    points: Points::Fitted(35),
    about: "Large sums, in capitals or exclamations.",
    check,
    #[cfg(test)]
    fires: &["Subject: YOUR PAYMENT\n\nthe sum of $25,500,000.00 is yours\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nthe sum of $25,500,000.00 is yours\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, &["large_sum", "wealth_2", "fraud_2", "getrich_2", "money_in_subject"], 1)
            && at_least(
                f,
                &["loud_subject", "loud_text", "mostly_capitals", "much_exclaiming_subject", "many_exclamations"],
                1,
            ),
        "loud about money",
    )
}
