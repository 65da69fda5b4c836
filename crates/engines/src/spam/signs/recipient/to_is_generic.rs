//! To names no person but a word: friend, customer, members.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "to_is_generic",
    group: SignGroup::Recipient,
    points: Points::Fitted(5),
    about: "To names no person but a word: friend, customer, members.",
    check,
    #[cfg(test)]
    fires: &["To: Dear Friend <a@example.org>", "To: undisclosed recipients <a@example.org>"],
    #[cfg(test)]
    quiet: &["To: Youri Reader <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.to.iter()
        .find(|to| {
            let name = to.name.to_lowercase();
            [
                "friend",
                "customer",
                "member",
                "winner",
                "user",
                "beneficiary",
                "recipient",
                "you",
                "subscriber",
                "undisclosed",
                "valued",
            ]
            .iter()
            .any(|w| {
                name == *w
                    || name.starts_with(&format!("{w}s"))
                    || name.starts_with(&format!("{w} "))
                    || name.starts_with("dear")
            })
        })
        .map(|to| to.name.clone())
}
