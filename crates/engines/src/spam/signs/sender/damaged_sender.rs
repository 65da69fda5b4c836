//! From is damaged so that programs disagree about who wrote.

use mail::evidence::SignGroup;
use mail::header::mailboxes;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "damaged_sender",
    group: SignGroup::Sender,
    points: Points::Fixed(120),
    about: "From is damaged so that programs disagree about who wrote: an address in quotes or behind one that nothing \
            closes, two `@`, or an empty label in its domain.",
    check,
    #[cfg(test)]
    fires: &[
        "From: \"ann@example.org\"",
        "From: \"Ann <ann@example.org>",
        "From: (Ann <ann@example.org>",
        "From: ann@.example.org",
        "From: ann@x..example.org",
        "From: ann@example.org@",
        "From: ann@example.org\nFrom: bob@.example.org",
    ],
    #[cfg(test)]
    quiet: &[
        "From: Ann <ann@example.org>",
        "From: \"ann@example.org\" <ann@example.org>",
        "From: ann@example.org <ann@example.org>",
        "From: ann",
        "From: ann@[192.0.2.1]",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let mut from = f.fields.iter().filter(|field| field.lower == "from");
    from.find(|field| mailboxes(field.value.as_bytes()).damaged).map(|field| field.value.trim().to_owned())
}
