//! The text offers a form in the browser.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "view_in_browser",
    group: SignGroup::Bulk,
    points: Points::Fixed(100),
    about: "The text offers a form in the browser.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nView this email in your browser\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    let words = [
        "view in browser",
        "view this email",
        "view it in your browser",
        "im browser ansehen",
        "view online",
        "online version",
        "onlineversion",
        "version en ligne",
        "ver en el navegador",
        "web version",
        "view as a web",
        "can't see this email",
        "having trouble viewing",
    ];
    words.iter().find(|w| f.words.contains(**w)).map(|w| (*w).to_owned())
}
