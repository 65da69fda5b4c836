//! A client greeted as a well-known provider, and its name is another.

use mail::evidence::SignGroup;

use super::clients;
use crate::spam::facts::registered;
use crate::spam::{Facts, Points, Row};

/// Providers whose names are borrowed in greetings.
const KNOWN: &[&str] = &[
    "yahoo.com",
    "hotmail.com",
    "aol.com",
    "msn.com",
    "gmail.com",
    "google.com",
    "outlook.com",
    "excite.com",
    "lycos.com",
    "juno.com",
    "netscape.net",
];

pub(super) const SIGN: Row = Row {
    id: "greeting_borrowed",
    group: SignGroup::Route,
    points: Points::Fitted(114),
    about: "A client greeted as a well-known provider, and its name is another.",
    check,
    #[cfg(test)]
    fires: &[
        "Received: from yahoo.com (unknown [192.0.2.7]) by b.example with SMTP; x",
        "Received: from mail.aol.com (dsl.example.net [192.0.2.7]) by b.example; x",
    ],
    #[cfg(test)]
    quiet: &["Received: from mail.yahoo.com (mail.yahoo.com [192.0.2.7]) by b.example; x"],
};

fn check(f: &Facts) -> Option<String> {
    clients(f)
        .find(|hop| {
            let from = hop.from.to_lowercase();
            KNOWN.iter().any(|known| {
                registered(&from) == *known
                    && (hop.name == "unknown"
                        || !hop.name.is_empty()
                            && registered(&hop.name) != *known
                            && !hop.name.contains(known.split('.').next().unwrap_or(known)))
            })
        })
        .map(|hop| format!("{} is {}", hop.from, hop.name))
}
