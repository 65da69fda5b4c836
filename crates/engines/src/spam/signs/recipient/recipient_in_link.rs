//! A link carries the recipient's address, so that its owner learns who clicked.

use mail::evidence::SignGroup;

use super::locals;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "recipient_in_link",
    group: SignGroup::Recipient,
    points: Points::Fitted(0),
    about: "A link carries the recipient's address, so that its owner learns who clicked.",
    check,
    #[cfg(test)]
    fires: &["To: bob@example.net\n\nhttp://a.example/login#bob@example.net\n"],
    #[cfg(test)]
    quiet: &["To: bob@example.net\n\nhttp://a.example/login\n"],
};

fn check(f: &Facts) -> Option<String> {
    locals(f)
        .into_iter()
        .find(|(_, whole)| {
            f.clicks().any(|link| {
                let path = link.path.to_lowercase();
                path.contains(whole.as_str()) || path.contains(&whole.replace('@', "%40"))
            })
        })
        .map(|(_, whole)| whole)
}
