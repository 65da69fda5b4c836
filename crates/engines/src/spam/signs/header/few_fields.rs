//! The header has hardly a field beside the necessary ones.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "few_fields",
    group: SignGroup::Header,
    points: Points::Fitted(0),
    about: "The header has hardly a field beside the necessary ones.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\nTo: b@example.net\nSubject: x"],
    #[cfg(test)]
    quiet: &["From: a@example.org\nTo: b@example.net\nSubject: x\nDate: x\nMessage-ID: <1@example.org>\n\
         MIME-Version: 1.0"],
};

fn check(f: &Facts) -> Option<String> {
    let own = f.fields.iter().filter(|field| {
        !matches!(
            field.lower.as_str(),
            "received" | "return-path" | "delivered-to" | "x-received" | "authentication-results"
        )
    });
    let count = own.count();
    when((1..=5).contains(&count), format!("{count} fields"))
}
