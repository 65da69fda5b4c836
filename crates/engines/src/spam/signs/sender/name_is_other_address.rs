//! The display name shows an address of another domain.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "name_is_other_address",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The display name shows an address of another domain.",
    check,
    #[cfg(test)]
    fires: &["From: \"service@bank.example\" <x@evil.example>"],
    #[cfg(test)]
    quiet: &["From: \"ann@example.org\" <ann@example.org>", "From: Ann <ann@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.sender()?;
    let word = from.name.split_whitespace().find(|word| word.contains('@') && word.contains('.'))?;
    let shown = word.trim_matches(|c: char| !c.is_alphanumeric()).rsplit_once('@')?.1.to_lowercase();
    when(registered(&shown) != f.from_domain(), format!("{} <{}>", from.name, from.address))
}
