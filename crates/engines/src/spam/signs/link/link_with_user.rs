//! A link has a name in front of its host, which looks like the host.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_with_user",
    group: SignGroup::Link,
    points: Points::Fitted(88),
    about: "A link has a name in front of its host, which looks like the host.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://www.bank.example@192.0.2.1/\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/@x\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| !link.user.is_empty())
}
