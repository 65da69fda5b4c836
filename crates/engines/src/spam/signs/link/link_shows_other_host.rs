//! A link shows one address and leads to another.

use mail::evidence::SignGroup;

use crate::spam::facts::{Link, registered};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_shows_other_host",
    group: SignGroup::Link,
    points: Points::Fitted(64),
    about: "A link shows one address and leads to another.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<a href=http://evil.example/>https://www.bank.example/login</a>\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n\
         <a href=http://bank.example/>www.bank.example</a><a href=http://b.example/>here</a>\n"],
};

fn check(f: &Facts) -> Option<String> {
    f.clicks().find_map(|link| {
        let shown = Link::shown_host(link.shown.as_deref()?)?;
        when(
            registered(&shown) != registered(&link.host)
                && !link.host.contains("click")
                && !link.host.contains("track"),
            format!("{shown} is {}", link.host),
        )
    })
}

impl Link {
    /// The host that a shown text names, if it looks like an address.
    fn shown_host(shown: &str) -> Option<String> {
        let word = shown.split_whitespace().next()?;
        let link = Self::read(word).filter(Self::is_web)?;
        (link.host.contains('.') && shown.split_whitespace().count() == 1).then_some(link.host)
    }
}
