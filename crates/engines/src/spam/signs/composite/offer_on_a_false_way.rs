//! An offer whose way hides where it was written.

use mail::evidence::SignGroup;

use super::{OFFERS, WAYS, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "offer_on_a_false_way",
    group: SignGroup::Composite,
    points: Points::Fitted(85),
    about: "An offer whose way hides where it was written.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\n\nfree quote\n"],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nfree quote\n",
        "Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\n\nlunch?\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(at_least(f, OFFERS, 1) && at_least(f, WAYS, 1), "an offer on a false way")
}
