//! An offer, and an excuse for sending it.

use mail::evidence::SignGroup;

use super::at_least;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "offer_with_excuse",
    group: SignGroup::Composite,
    points: Points::Fitted(42),
    about: "An offer, and an excuse for sending it.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nfree quote, no obligation, order now. This is not spam, to be removed write\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nfree quote, no obligation\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, &["excuse_2", "leave_4"], 1)
            && at_least(
                f,
                &[
                    "seller_2",
                    "getrich_2",
                    "finance_2",
                    "goods_2",
                    "drugs",
                    "explicit",
                    "mailing_2",
                    "advertisement_tag",
                ],
                1,
            ),
        "an offer and an excuse",
    )
}
