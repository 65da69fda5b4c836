//! A field that may stand once stands twice.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "doubled_field",
    group: SignGroup::Header,
    points: Points::Fitted(50),
    about: "A field that may stand once stands twice.",
    check,
    #[cfg(test)]
    fires: &["Subject: a\nSubject: b", "From: a@example.org\nFrom: b@example.org"],
    #[cfg(test)]
    quiet: &["Subject: a\nReceived: from a\nReceived: from b"],
};

fn check(f: &Facts) -> Option<String> {
    let once = ["from", "to", "subject", "date", "message-id", "reply-to", "content-type", "sender", "cc"];
    once.into_iter().find(|name| f.count(name) > 1).map(|name| format!("{} times {name}", f.count(name)))
}
