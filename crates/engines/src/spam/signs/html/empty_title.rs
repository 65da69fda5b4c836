//! The HTML's title is that of an editor, or junk.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "empty_title",
    group: SignGroup::Html,
    points: Points::Fitted(0),
    about: "The HTML's title is that of an editor, or junk.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/html\n\n<title>Untitled Document</title>x\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<title>News</title>x\n", "Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    let title = f.html.title.trim().to_lowercase();
    when(
        ["untitled", "new page", "document", "unbenannt", "sans titre", "new document", "html"]
            .iter()
            .any(|t| title.starts_with(t)),
        title.clone(),
    )
}
