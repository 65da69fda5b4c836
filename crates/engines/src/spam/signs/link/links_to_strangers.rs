//! No link leads to whoever sent or signed the message.
//!
//! A service that sends for others links to itself, and puts its own domain into the envelope or signs with it.
//! Links that lead to neither, nor to the author, lead to somebody who has no part in the message.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::signers;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "links_to_strangers",
    group: SignGroup::Link,
    points: Points::Fitted(76),
    about: "No link leads to a domain of the sender, of the envelope or of a signature.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nReturn-Path: <a@example.com>\nDKIM-Signature: d=example.net\n\
         Content-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
    #[cfg(test)]
    quiet: &[
        "From: a@example.org\nContent-Type: text/html\n\n<a href=http://www.example.org/>x</a>\n",
        "From: a@example.org\nReturn-Path: <x@em.b.example>\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n",
        "From: a@example.org\nDKIM-Signature: v=1; d=b.example; s=x\nContent-Type: text/html\n\n\
         <a href=http://click.b.example/>x</a>\n",
        "From: a@example.org\n\nhttp://b.example/\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.from_domain();
    if from.is_empty() || f.html.parts == 0 {
        return None;
    }
    let envelope = f.envelope_sender().and_then(|address| {
        let (_, domain) = address.rsplit_once('@')?;
        Some(registered(&domain.to_lowercase()).to_owned())
    });
    let known: Vec<String> = signers(f).chain(envelope).chain([from]).collect();
    let mut first = None;
    for link in f.clicks() {
        let host = registered(&link.host);
        if known.iter().any(|known| known == host) {
            return None;
        }
        first.get_or_insert(host);
    }
    first.map(str::to_owned)
}
