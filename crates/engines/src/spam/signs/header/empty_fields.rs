//! Fields that usually say something are empty.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "empty_fields",
    group: SignGroup::Header,
    points: Points::Fitted(93),
    about: "Fields that usually say something are empty.",
    check,
    #[cfg(test)]
    fires: &["Reply-To:\nFrom: a@example.org"],
    #[cfg(test)]
    quiet: &["Reply-To: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.fields
        .iter()
        .find(|field| {
            field.value.trim().is_empty()
                && matches!(
                    field.lower.as_str(),
                    "from"
                        | "to"
                        | "reply-to"
                        | "cc"
                        | "message-id"
                        | "in-reply-to"
                        | "references"
                        | "x-mailer"
                        | "sender"
                        | "date"
                        | "organization"
                )
        })
        .map(|field| format!("{} is empty", field.name))
}
