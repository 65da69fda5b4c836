//! The names of the usual fields are in small letters: a program of its own.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "lower_case_fields",
    group: SignGroup::Header,
    points: Points::Fitted(0),
    about: "The names of the usual fields are in small letters: a program of its own.",
    check,
    #[cfg(test)]
    fires: &["from: a@example.org\nsubject: x"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nSubject: x"],
};

fn check(f: &Facts) -> Option<String> {
    let is = |name: &str| f.fields.iter().any(|field| field.name == name);
    when(is("from") || is("subject") && is("to"), "from, to or subject in small letters")
}
