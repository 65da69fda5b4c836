//! A link hides where it leads behind a service for short addresses.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::facts::registered;
use crate::spam::{Facts, Points, Row};

/// Services that make short addresses.
const SHORT: &[&str] = &[
    "bit.ly",
    "tinyurl.com",
    "t.co",
    "goo.gl",
    "is.gd",
    "ow.ly",
    "cutt.ly",
    "rb.gy",
    "t.ly",
    "shorturl.at",
    "tiny.cc",
    "rebrand.ly",
    "buff.ly",
    "s.id",
    "lnkd.in",
    "v.gd",
    "qr.ae",
    "bl.ink",
    "u.to",
    "snip.ly",
    "shorte.st",
    "urlz.fr",
    "x.co",
    "clck.ru",
    "surl.li",
    "l.ead.me",
    "tr.ee",
    "linktr.ee",
    "qrco.de",
    "t2m.io",
    "bitly.ws",
    "n9.cl",
    "acortar.link",
];

pub(super) const SIGN: Row = Row {
    id: "link_shortened",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link hides where it leads behind a service for short addresses.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttps://bit.ly/abc\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| SHORT.contains(&registered(&link.host)) || SHORT.contains(&link.host.as_str()))
}
