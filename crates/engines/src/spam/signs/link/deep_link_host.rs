//! A link's host has five labels or more, or many hyphens.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::facts::is_ip;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "deep_link_host",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link's host has five labels or more, or many hyphens.",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: x\n\nhttps://login.bank.example.com.evil.example/\n",
        "Subject: x\n\nhttps://a-b-c-d.example/\n",
    ],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://www.a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| !is_ip(&link.host) && (link.host.split('.').count() >= 5 || link.host.matches('-').count() >= 3))
}
