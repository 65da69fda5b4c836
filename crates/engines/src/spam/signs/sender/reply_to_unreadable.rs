//! Reply-To says something that is no address, so that nobody can answer (RFC 5322, 3.6.2).

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "reply_to_unreadable",
    group: SignGroup::Sender,
    points: Points::AtLeast { least: 100, fitted: 119 },
    about: "Reply-To says something that is no address, so that nobody can answer (RFC 5322, 3.6.2).",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nReply-To: nobody", "From: a@example.org\nReply-To: Ann <>"],
    #[cfg(test)]
    quiet: &[
        "From: a@example.org\nReply-To: Ann <b@example.com>",
        "From: a@example.org",
        "From: a@example.org\nReply-To:",
    ],
};

fn check(f: &Facts) -> Option<String> {
    f.field("reply-to")
        .filter(|value| {
            !value.is_empty()
                && !f.reply_to.iter().any(|reply| reply.address.contains('@') && !reply.domain().is_empty())
        })
        .map(str::to_owned)
}
