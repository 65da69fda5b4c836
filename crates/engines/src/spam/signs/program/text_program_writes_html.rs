//! It names a program for plain text, and is HTML.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "text_program_writes_html",
    group: SignGroup::Program,
    points: Points::Fitted(0),
    about: "It names a program for plain text, and is HTML.",
    check,
    #[cfg(test)]
    fires: &["User-Agent: Mutt/1.4\nContent-Type: text/html\n\n<p>x</p>\n"],
    #[cfg(test)]
    quiet: &["User-Agent: Mutt/1.4\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    let named = mailer(f);
    let plain = ["mutt", "pine", "elm", "mh-e", "vm ", "gnus", "sylpheed", "mew"]
        .iter()
        .any(|p| named.starts_with(p) || named.contains(&format!(" {p}")));
    when(plain && f.html.parts > 0 && f.plain.trim().is_empty(), named)
}
