//! Sender and answers are at free mail providers, with different addresses.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_free_mail;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "free_mail_changes",
    group: SignGroup::Sender,
    points: Points::Fitted(53),
    about: "Sender and answers are at free mail providers, with different addresses.",
    check,
    #[cfg(test)]
    fires: &["From: a@gmail.com\nReply-To: b@yahoo.com"],
    #[cfg(test)]
    quiet: &["From: a@gmail.com\nReply-To: a@gmail.com", "From: a@gmail.com"],
};

fn check(f: &Facts) -> Option<String> {
    let (from, reply) = (f.sender()?, f.reply_to.first()?);
    when(
        is_free_mail(&from.domain())
            && is_free_mail(&reply.domain())
            && !from.address.eq_ignore_ascii_case(&reply.address),
        reply.address.clone(),
    )
}
