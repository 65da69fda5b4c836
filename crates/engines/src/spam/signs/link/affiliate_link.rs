//! A link carries the mark of somebody who is paid for clicks.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "affiliate_link",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link carries the mark of somebody who is paid for clicks.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://a.example/?aff=77\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        let path = link.path.to_lowercase();
        [
            "aff=",
            "affid",
            "aff_",
            "affiliate",
            "ref=",
            "refid",
            "pid=",
            "sid=",
            "subid",
            "hitid",
            "/cgi-bin/",
            "campaign",
            "afid",
            "?m=",
            "rid=",
            "partner",
        ]
        .iter()
        .any(|mark| path.contains(mark))
    })
}
