//! Something was won or waits, and the link leads to neither the sender nor a known place.

use mail::evidence::SignGroup;

use super::{all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "wins_and_links_elsewhere",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "Something was won or waits, and the link leads to neither the sender nor a known place.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nSubject: Winner!\nContent-Type: text/html\n\n\
         <a href=http://b.example/>claim your prize</a>\n"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nSubject: x\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        all(f, &["links_to_strangers"])
            && at_least(f, &["lottery", "parcel", "promise_2", "gamble"], 1)
            && at_least(f, &["exclaiming_subject", "urgency", "emoji_in_subject", "html_only", "click"], 1),
        "a prize elsewhere",
    )
}
