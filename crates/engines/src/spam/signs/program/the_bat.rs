//! It says that The Bat! wrote it, which spammers like to claim.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "the_bat",
    group: SignGroup::Program,
    points: Points::Fitted(53),
    about: "It says that The Bat! wrote it, which spammers like to claim.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: The Bat! (v2.00)"],
    #[cfg(test)]
    quiet: &["X-Mailer: Mutt"],
};

fn check(f: &Facts) -> Option<String> {
    when(mailer(f).contains("the bat"), f.field("x-mailer").unwrap_or(""))
}
