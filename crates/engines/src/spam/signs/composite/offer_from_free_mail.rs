//! Somebody at a free mail provider sells something.

use mail::evidence::SignGroup;

use super::{at_least, free_mail};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "offer_from_free_mail",
    group: SignGroup::Composite,
    points: Points::Fitted(79),
    about: "Somebody at a free mail provider sells something.",
    check,
    #[cfg(test)]
    fires: &["From: a@yahoo.com\nSubject: x\n\nviagra\n"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nSubject: x\n\nviagra\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        free_mail(f)
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
                    "software_2",
                    "stock_2",
                ],
                1,
            ),
        "an offer by free mail",
    )
}
