//! The text says how to leave and sells something, the header says nothing of a list, and no link or address is of its author.

use mail::evidence::SignGroup;

use super::{at_least, has_list_fields};
use crate::spam::signs::{sells_unnamed, when};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "offer_without_list_fields",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "The text says how to leave and sells something, the header says nothing of a list, and no link or address is of its author.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nfree quote, lowest rate, mortgage; unsubscribe, to be removed write\n"],
    #[cfg(test)]
    quiet: &[
        "List-Unsubscribe: <mailto:a@example.org>\nSubject: x\n\n\
         free quote, lowest rate, mortgage; unsubscribe, to be removed write\n",
        "From: a@example.org\nSubject: x\n\nfree quote, lowest rate, mortgage: http://example.org/; unsubscribe, to be removed write\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, &["leave_2", "excuse"], 1)
            && at_least(f, &["seller", "getrich", "finance", "goods", "pharma", "diet"], 2)
            && !has_list_fields(f)
            && sells_unnamed(f),
        "an offer without List-Unsubscribe",
    )
}
