//! The sender's domain looks made by a program.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "random_domain",
    group: SignGroup::Sender,
    points: Points::Fitted(60),
    about: "The sender's domain looks made by a program.",
    check,
    #[cfg(test)]
    fires: &["From: a@zwbixr8g26k3d.com"],
    #[cfg(test)]
    quiet: &["From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let domain = f.from_domain();
    when(domain.split('.').next().is_some_and(is_random), domain)
}
