//! A page of the web is attached: it opens in the browser, past every filter of links.

use mail::evidence::SignGroup;

use super::{ending, find};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "page_attached",
    group: SignGroup::Attachment,
    points: Points::Fixed(100),
    about: "A page of the web is attached: it opens in the browser, past every filter of links.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: application/octet-stream; name=login.html\n\nx\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |a| {
        matches!(ending(&a.name).as_str(), "htm" | "html" | "shtml" | "xhtml" | "svg" | "mht")
            && !a.inside
            && a.attachment
    })
}
