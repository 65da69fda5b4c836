//! The text is HTML, without a plain one, nobody signed the message, and no link leads to its author.
//!
//! Services that send HTML alone sign what they send; who sends masses by himself, or through other people's
//! servers, often does neither.

use mail::evidence::SignGroup;

use super::html_only;
use crate::spam::signs::{is_signed, leads_to_author, when};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "html_only_unsigned",
    group: SignGroup::Structure,
    points: Points::Fitted(150),
    about: "The text is HTML, without a plain one, nobody signed the message, and no link leads to its author.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p>x</p>\n", "DKIM-Signature: v=1\nContent-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &[
        "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x\nContent-Type: text/html\n\n<p>x</p>\n",
        "Content-Type: text/plain\n\nx\n",
        "From: a@example.org\nContent-Type: text/html\n\n<a href=http://example.org/>x</a>\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(html_only::is(f) && !is_signed(f) && !leads_to_author(f), "HTML only, not signed")
}
