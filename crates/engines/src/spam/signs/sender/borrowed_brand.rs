//! The display name is that of a well-known company, the domain is not.

use mail::evidence::SignGroup;

use super::BRANDS;
use crate::spam::facts::fold;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "borrowed_brand",
    group: SignGroup::Sender,
    points: Points::Fitted(13),
    about: "The display name is that of a well-known company, the domain is not.",
    check,
    #[cfg(test)]
    fires: &["From: PayPal Service <x@evil.example>", "From: \"Nеtflix\" <x@evil.example>"],
    #[cfg(test)]
    quiet: &[
        "From: PayPal <service@paypal.com>",
        "From: Pineapple Farm <a@example.org>",
        "From: Ann <ann@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.sender()?;
    let name = fold(&from.name).text;
    let domain = from.domain();
    let padded = format!(" {} ", name.replace(['.', ',', '-', '_', ':', '|', '"', '(', ')', '!'], " "));
    let (brand, _) = BRANDS.iter().find(|(brand, own)| {
        padded.contains(&format!(" {brand} ")) && !own.iter().any(|piece| domain.contains(piece))
    })?;
    Some(format!("{brand} at {domain}"))
}
