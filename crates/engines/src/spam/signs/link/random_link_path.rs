//! A link's path or query is a long code.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "random_link_path",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link's path or query is a long code.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttps://a.example/a8f3k29dk3049dkf02kd93kf02ls\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/news/2023\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        link.path
            .split(['/', '?', '&', '=', '.', '#', '-', '_'])
            .any(|piece| piece.len() >= 24 && piece.bytes().all(|b| b.is_ascii_alphanumeric()) && digits(piece) >= 4)
    })
}
