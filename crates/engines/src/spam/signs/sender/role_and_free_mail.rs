//! The display name is an office, the address is of a free mail provider.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_free_mail;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "role_and_free_mail",
    group: SignGroup::Sender,
    points: Points::Fitted(0),
    about: "The display name is an office, the address is of a free mail provider.",
    check,
    #[cfg(test)]
    fires: &["From: Customer Support <a@gmail.com>"],
    #[cfg(test)]
    quiet: &["From: Ann Writer <a@gmail.com>", "From: Customer Support <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.sender()?;
    let name = from.name.to_lowercase();
    let office = [
        "support",
        "service",
        "billing",
        "admin",
        "team",
        "bank",
        "department",
        "security",
        "office",
        "customer",
        "account",
        "mr.",
        "mrs.",
        "barrister",
        "dr.",
        "director",
        "manager",
    ];
    when(is_free_mail(&from.domain()) && office.iter().any(|o| name.contains(o)), from.name.clone())
}
