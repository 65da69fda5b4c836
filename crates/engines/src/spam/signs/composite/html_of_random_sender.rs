//! HTML without a plain text from an address that a program made.

use mail::evidence::SignGroup;

use super::{all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "html_of_random_sender",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "HTML without a plain text from an address that a program made.",
    check,
    #[cfg(test)]
    fires: &["From: xkqjzvbwpt@example.org\nContent-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &["From: ann@example.org\nContent-Type: text/html\n\n<p>x</p>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        all(f, &["html_only"])
            && at_least(
                f,
                &["random_local_part", "random_domain", "random_envelope_sender", "id_host_random", "random_link_host"],
                1,
            ),
        "HTML of nobody",
    )
}
