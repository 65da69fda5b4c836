//! The display name is there, and empty.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "empty_name_quoted",
    group: SignGroup::Sender,
    points: Points::Fitted(21),
    about: "The display name is there, and empty.",
    check,
    #[cfg(test)]
    fires: &["From: \"\" <a@example.org>"],
    #[cfg(test)]
    quiet: &["From: <a@example.org>", "From: \"Ann\" <a@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.field("from").is_some_and(|v| v.starts_with("\"\"") || v.starts_with("\" \"")), "\"\"")
}
