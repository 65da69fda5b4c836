//! Three kinds of offers or more in a text that speaks of its reader all the time.

use mail::evidence::SignGroup;

use super::{PITCHES, at_least, seen};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// How many kinds of offers.
const KINDS: usize = 3;

pub(super) const SIGN: Row = Row {
    id: "offers_to_reader",
    group: SignGroup::Composite,
    points: Points::Fitted(91),
    about: "Three kinds of offers or more in a text that speaks of its reader all the time.",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: x\n\nYou can lose weight and burn fat while you sleep, act now, hurry, click here, visit our shop, and your friends will ask you about it all the time\n",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nlunch?\n",
        "Subject: x\n\nlose weight, burn fat, act now, hurry, click here, visit our shop\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(seen(f, "reader_addressed") && at_least(f, PITCHES, KINDS), "several offers, and you")
}
