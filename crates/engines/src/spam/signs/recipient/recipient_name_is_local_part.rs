//! The recipient's display name is the first part of the address.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "recipient_name_is_local_part",
    group: SignGroup::Recipient,
    points: Points::Fitted(0),
    about: "The recipient's display name is the first part of the address.",
    check,
    #[cfg(test)]
    fires: &["To: bob <bob@example.net>"],
    #[cfg(test)]
    quiet: &["To: Bob Reader <bob@example.net>", "To: bob@example.net"],
};

fn check(f: &Facts) -> Option<String> {
    f.to.iter()
        .find(|to| !to.name.is_empty() && to.name.trim().eq_ignore_ascii_case(to.local()) && to.local().len() > 2)
        .map(|to| to.name.clone())
}
