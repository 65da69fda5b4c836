//! A link's registered name has digits.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::facts::{is_ip, registered};
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "digits_in_link_host",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link's registered name has digits.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttps://a24.example24.org/x\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/24\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| !is_ip(&link.host) && digits(registered(&link.host)) > 0)
}
