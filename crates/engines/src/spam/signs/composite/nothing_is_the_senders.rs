//! Message-ID, links and the way all belong to others than the sender's domain.

use mail::evidence::SignGroup;

use super::all;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "nothing_is_the_senders",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "Message-ID, links and the way all belong to others than the sender's domain.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nMessage-ID: <1@example.com>\n\
         Received: from c.example (c.example [192.0.2.1]) by mx.example.net; x\nContent-Type: text/html\n\n\
         <a href=http://b.example/>x</a>\n"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nMessage-ID: <1@example.org>\nContent-Type: text/html\n\n\
         <a href=http://b.example/>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(all(f, &["links_elsewhere", "id_host_other_than_sender", "sender_not_on_route"]), "nothing of the sender's")
}
