//! Several things are offered by mail that nobody signed, without a field of a list or a link or address of its author.

use mail::evidence::SignGroup;

use super::{OFFERS, at_least, has_list_fields};
use crate::spam::signs::{is_signed, sells_unnamed, when};
use crate::spam::{Facts, Points, Row};

/// How many kinds of offers.
const KINDS: usize = 2;

pub(super) const SIGN: Row = Row {
    id: "offer_nobody_signed",
    group: SignGroup::Composite,
    points: Points::Fitted(76),
    about: "Several things are offered by mail that nobody signed, without a field of a list or a link or address of its author.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nfree quote, lowest rate, refinance your mortgage\n"],
    #[cfg(test)]
    quiet: &[
        "List-Unsubscribe: <mailto:a@example.org>\nSubject: x\n\nfree quote, lowest rate, refinance your mortgage\n",
        "DKIM-Signature: v=1; d=example.org; s=x\nSubject: x\n\nfree quote, lowest rate, refinance your mortgage\n",
        "Subject: x\n\nlunch?\n",
        "From: a@example.org\nSubject: x\n\nfree quote, lowest rate, refinance your mortgage: http://example.org/\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, OFFERS, KINDS) && !is_signed(f) && !has_list_fields(f) && sells_unnamed(f),
        "several offers, not signed",
    )
}
