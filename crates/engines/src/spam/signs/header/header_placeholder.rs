//! A field has a place that a mailing program should have filled in.

use mail::evidence::SignGroup;

use crate::spam::signs::words::placeholder;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "header_placeholder",
    group: SignGroup::Header,
    points: Points::Fitted(3),
    about: "A field has a place that a mailing program should have filled in.",
    check,
    #[cfg(test)]
    fires: &["Subject: Dear {{name}}", "From: %FROM_NAME <a@example.org>"],
    #[cfg(test)]
    quiet: &["Subject: [list] plain"],
};

fn check(f: &Facts) -> Option<String> {
    f.fields
        .iter()
        .filter(|field| {
            matches!(field.lower.as_str(), "subject" | "from" | "to" | "reply-to" | "message-id" | "list-unsubscribe")
        })
        .find_map(|field| placeholder(&field.value).map(|mark| format!("{}: {mark}", field.lower)))
}
