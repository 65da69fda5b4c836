//! An offer, and an excuse for sending it, and no link or address is of its author.

use mail::evidence::SignGroup;

use super::at_least;
use crate::spam::signs::{sells_unnamed, when};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "offer_with_excuse",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "An offer, and an excuse for sending it, and no link or address is of its author.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nfree quote, no obligation, order now. This is not spam, to be removed write\n"],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nfree quote, no obligation\n",
        "From: a@example.org\nSubject: x\n\nfree quote, no obligation, order now at http://example.org/. This is not spam, to be removed write\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(
        sells_unnamed(f)
            && at_least(f, &["excuse_2", "leave_4"], 1)
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
