//! X-Autoreply, X-Autorespond or Precedence: auto_reply.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "automatic_reply_of_old",
    group: SignGroup::Automatic,
    points: Points::Fixed(300),
    about: "X-Autoreply, X-Autorespond or Precedence: auto_reply.",
    check,
    #[cfg(test)]
    fires: &["X-Autoreply: yes", "Precedence: auto_reply"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    f.fields
        .iter()
        .find(|field| {
            field.lower.starts_with("x-autore")
                || field.lower == "precedence" && field.value.trim().eq_ignore_ascii_case("auto_reply")
        })
        .map(|field| field.name.clone())
}
