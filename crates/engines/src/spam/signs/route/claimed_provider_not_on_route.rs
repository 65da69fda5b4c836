//! The sender is at a large free mail provider that never saw the message.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "claimed_provider_not_on_route",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "The sender is at a large free mail provider that never saw the message.",
    check,
    #[cfg(test)]
    fires: &["From: a@yahoo.com\nReceived: from mail.example.com (mail.example.com [192.0.2.7]) by \
         mx.example.net; x"],
    #[cfg(test)]
    quiet: &[
        "From: a@yahoo.com\nReceived: from mail.yahoo.com (mail.yahoo.com [192.0.2.7]) by mx.example.net; x",
        "From: a@example.org\nReceived: from mail.example.com by mx.example.net; x",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let from = f.sender()?.domain();
    let provider = match from.split('.').next()? {
        "gmail" | "googlemail" => "google",
        "hotmail" | "live" | "msn" | "outlook" => {
            return claimed(f, &["hotmail", "outlook", "msn.com", "live.com"], &from);
        }
        "yahoo" | "ymail" | "rocketmail" => "yahoo",
        "aol" | "aim" => return claimed(f, &["aol", "yahoo"], &from),
        "icloud" | "me" | "mac" => return claimed(f, &["apple", "icloud", "mac.com", "me.com"], &from),
        _ => return None,
    };
    claimed(f, &[provider], &from)
}

fn claimed(f: &Facts, names: &[&str], from: &str) -> Option<String> {
    let known = f.route.iter().any(|hop| {
        let lower = hop.text.to_lowercase();
        names.iter().any(|name| {
            lower.contains(&format!("{name}.")) && (hop.name.contains(name) || hop.by.contains(name))
                || hop.from.to_lowercase().contains(name) && hop.name.is_empty()
        })
    });
    when(!f.route.is_empty() && !known, from)
}
