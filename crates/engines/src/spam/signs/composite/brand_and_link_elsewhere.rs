//! A well-known company's name, without its domain in sender or links.

use mail::evidence::SignGroup;

use super::{all, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "brand_and_link_elsewhere",
    group: SignGroup::Composite,
    points: Points::Fitted(3),
    about: "A well-known company's name, without its domain in sender or links.",
    check,
    #[cfg(test)]
    fires: &["From: PayPal Service <x@evil.example>\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
    #[cfg(test)]
    quiet: &["From: Ann <x@example.org>\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, &["borrowed_brand", "brand_in_local_part"], 1) && all(f, &["links_elsewhere"]),
        "a brand elsewhere",
    )
}
