//! A text that speaks of its reader all the time came on a way that is not the sender's.

use mail::evidence::SignGroup;

use super::{WAYS, at_least, seen};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "reader_on_a_false_way",
    group: SignGroup::Composite,
    points: Points::Fitted(26),
    about: "A text that speaks of its reader all the time came on a way that is not the sender's.",
    check,
    #[cfg(test)]
    fires: &[
        "Received: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\nSubject: x\n\nYou can have what you want today and your friends will ask you about it all the time when they see the new house\n",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nlunch?\n",
        "Subject: x\n\nYou can have what you want today and your friends will ask you about it all the time when they see the new house\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(seen(f, "reader_addressed") && at_least(f, WAYS, 1), "a false way, and you")
}
