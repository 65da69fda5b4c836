//! The display name has signs that names do not have.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "odd_name",
    group: SignGroup::Sender,
    points: Points::Fitted(8),
    about: "The display name has signs that names do not have.",
    check,
    #[cfg(test)]
    fires: &["From: Win $$$ <a@example.org>", "From: Service#Team <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: \"O'Neil, Ann (Sales)\" <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender()
        .filter(|from| from.name.contains(['!', '$', '%', '*', '=', '~', '#', '®', '™', '✔', '_', '<', '>', '{', '}']))
        .map(|from| from.name.clone())
}
