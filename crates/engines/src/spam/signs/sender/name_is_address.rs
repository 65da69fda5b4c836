//! The display name is the address itself.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "name_is_address",
    group: SignGroup::Sender,
    points: Points::Fitted(34),
    about: "The display name is the address itself.",
    check,
    #[cfg(test)]
    fires: &["From: \"ann@example.org\" <ann@example.org>"],
    #[cfg(test)]
    quiet: &["From: Ann <ann@example.org>", "From: ann@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender()
        .filter(|from| from.name.trim().eq_ignore_ascii_case(&from.address) && !from.name.is_empty())
        .map(|from| from.name.clone())
}
