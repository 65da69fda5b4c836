//! A link's host or path is made of words that advertisers and phishers like.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_words",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link's host or path is made of words that advertisers and phishers like.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://cheap-pills.example/\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/news\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        let all =
            format!("{}{}", link.host, link.path.get(..link.path.floor_char_boundary(80)).unwrap_or("")).to_lowercase();
        [
            "offer", "remove", "unsub", "optout", "opt-out", "deals", "casino", "loan", "mortgage", "pills", "meds",
            "pharm", "viagra", "rx", "free", "click", "promo", "prize", "reward", "verify", "secure", "signin",
            "login", "account", "update", "wallet", "unlock", "mailer", "bulk", "quote", "refinanc", "debt", "win",
        ]
        .iter()
        .any(|w| all.contains(w))
    })
}
