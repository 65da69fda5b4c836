//! A link leads to a host that is written as one number, or in hex.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_to_number",
    group: SignGroup::Link,
    points: Points::Fitted(4),
    about: "A link leads to a host that is written as one number, or in hex.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://3221225985/x\n", "Subject: x\n\nhttp://0xC0000201/\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/x\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        !link.written.is_empty() && (link.written.bytes().all(|b| b.is_ascii_digit()) || link.written.starts_with("0x"))
    })
}
