//! Answers go to a free mail provider, the sender is somewhere else.

use mail::evidence::SignGroup;

use super::other_reply;
use crate::spam::signs::words::is_free_mail;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "reply_to_free_mail",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "Answers go to a free mail provider, the sender is somewhere else.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nReply-To: b@gmail.com"],
    #[cfg(test)]
    quiet: &["From: a@gmail.com\nReply-To: b@gmail.com", "From: a@example.org\nReply-To: b@example.com"],
};

fn check(f: &Facts) -> Option<String> {
    other_reply(f).filter(|domain| is_free_mail(domain))
}
