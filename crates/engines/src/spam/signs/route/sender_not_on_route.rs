//! The sender's domain is on no server's name.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "sender_not_on_route",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "The sender's domain is on no server's name.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org\n\
         Received: from mail.example.com (mail.example.com [192.0.2.7]) by mx.example.net; x"],
    #[cfg(test)]
    quiet: &[
        "From: a@example.org\n\
         Received: from mail.example.org (mail.example.org [192.0.2.7]) by mx.example.net; x",
        "From: a@example.org",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.from_domain();
    let seen = f.route.iter().any(|hop| hop.text.to_lowercase().contains(&from));
    when(!f.route.is_empty() && from.contains('.') && !seen, from)
}
