//! A well-known company stands in front of the @, not behind it.

use mail::evidence::SignGroup;

use super::BRANDS;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "brand_in_local_part",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "A well-known company stands in front of the @, not behind it.",
    check,
    #[cfg(test)]
    fires: &["From: paypal@evil.example"],
    #[cfg(test)]
    quiet: &["From: service@paypal.com", "From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.sender()?;
    let (local, domain) = (from.local().to_lowercase(), from.domain());
    BRANDS
        .iter()
        .find(|(name, own)| name.len() > 4 && local.contains(*name) && !own.iter().any(|o| domain.contains(o)))
        .map(|(name, _)| format!("{name} in {}", from.address))
}
