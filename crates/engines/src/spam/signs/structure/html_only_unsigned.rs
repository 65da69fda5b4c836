//! The text is HTML, without a plain one, and nobody signed the message.
//!
//! Services that send HTML alone sign what they send; who sends masses by himself, or through other people's
//! servers, often does neither.

use mail::evidence::SignGroup;

use super::html_only;
use crate::spam::signs::{is_signed, when};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "html_only_unsigned",
    group: SignGroup::Structure,
    points: Points::Fitted(69),
    about: "The text is HTML, without a plain one, and nobody signed the message.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<p>x</p>\n", "DKIM-Signature: v=1\nContent-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &[
        "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x\nContent-Type: text/html\n\n<p>x</p>\n",
        "Content-Type: text/plain\n\nx\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(html_only::is(f) && !is_signed(f), "HTML only, not signed")
}
