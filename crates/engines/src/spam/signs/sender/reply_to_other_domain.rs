//! Answers go to another domain than the sender's.

use mail::evidence::SignGroup;

use super::other_reply;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "reply_to_other_domain",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "Answers go to another domain than the sender's.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nReply-To: b@example.com"],
    #[cfg(test)]
    quiet: &["From: a@mail.example.org\nReply-To: b@example.org", "From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    other_reply(f)
}
