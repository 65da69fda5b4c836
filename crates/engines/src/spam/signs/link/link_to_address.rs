//! A link leads to an IP address, not a name.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::facts::is_ip;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_to_address",
    group: SignGroup::Link,
    points: Points::Fitted(37),
    about: "A link leads to an IP address, not a name.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://192.0.2.1/x\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/x\n", "Subject: x\n\nhttp://127.0.0.1:8080/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        is_ip(&link.host)
            && !link.host.starts_with("127.")
            && !link.host.starts_with("10.")
            && !link.host.starts_with("192.168.")
    })
}
