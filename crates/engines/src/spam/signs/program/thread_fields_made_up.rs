//! An answer's fields name messages that nobody can have sent.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "thread_fields_made_up",
    group: SignGroup::Program,
    points: Points::Fitted(0),
    about: "An answer's fields name messages that nobody can have sent.",
    check,
    #[cfg(test)]
    fires: &["In-Reply-To: 12345", "References: <@bounce.example>"],
    #[cfg(test)]
    quiet: &["In-Reply-To: <1@example.org>", "From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    let odd = |name: &str| {
        f.field(name)
            .filter(|v| !v.is_empty() && (!v.contains('@') || !v.contains('<') || v.contains("<@") || v.len() > 1500))
            .map(|_| name.to_owned())
    };
    odd("in-reply-to").or_else(|| odd("references"))
}
