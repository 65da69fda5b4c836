//! A program for mass mailings by mail wrote it, of the kind that spammers bought.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "bulk_program",
    group: SignGroup::Program,
    points: Points::Fitted(27),
    about: "A program for mass mailings by mail wrote it, of the kind that spammers bought.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: Group Mail Free"],
    #[cfg(test)]
    quiet: &["X-Mailer: Apple Mail (2.3445)"],
};

fn check(f: &Facts) -> Option<String> {
    let named = mailer(f);
    [
        "mach10",
        "group mail",
        "bulk",
        "emailer platinum",
        "dynamic mail",
        "stealth",
        "mailking",
        "direct mail",
        "mailcast",
        "gammadyne",
        "advanced mass",
        "sendblaster",
        "atomic mail",
        "turbo-mailer",
        "aristotle",
        "diffondi",
        "blat",
        "massmail",
        "extractor",
        "mailout",
        "smart_send",
        "ebizmailer",
        "prospect mailer",
        "ddmail",
        "easymail",
        "dmailer",
        "kmmail",
        "calypso version 3",
        "internet mail service (5.5.26",
        "aol 9",
        "oshirase",
    ]
    .iter()
    .find(|p| named.contains(**p))
    .map(|_| named.clone())
}
