//! The author's domain mixes Latin letters with look-alikes of another script.

use mail::evidence::SignGroup;
use mail::punycode;

use super::MAX_AUTHORS;
use crate::spam::facts::{Mailbox, fold};
use crate::spam::signs::some;
use crate::spam::{Facts, Points, Row};

/// Most labels of a domain that are looked at.
const MAX_LABELS: usize = 10;

pub(super) const SIGN: Row = Row {
    id: "mixed_letters_in_domain",
    group: SignGroup::Disguise,
    points: Points::AtLeast { least: 250, fitted: 250 },
    about: "The author's domain mixes Latin letters with look-alikes of another script.",
    check,
    #[cfg(test)]
    fires: &[
        "From: A <a@xn--ypal-43d9g.example>",
        "From: A <a@раypal.example>",
        "From: A <a@xn--ypl-5cdc6g.example>",
        "From: A <a@mail.xn--ypal-43d9g.example>",
    ],
    #[cfg(test)]
    quiet: &[
        "From: A <a@paypal.example>",
        "From: A <a@xn--bcher-kva.example>",
        "From: A <a@bücher.example>",
        "From: A <a@xn--e1afmkfd.example>",
        "From: A <a@почта.example>",
        "From: A <a@xn--.example>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let domains = f.from.iter().take(MAX_AUTHORS).map(Mailbox::domain);
    let mixed = |label: &str| {
        let decoded = label.strip_prefix("xn--").and_then(punycode::decode);
        some(&fold(decoded.as_deref().unwrap_or(label)).mixed_word)
    };
    domains.flat_map(|domain| domain.split('.').take(MAX_LABELS).find_map(mixed)).next()
}
