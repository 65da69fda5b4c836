//! A link and hardly a word beside it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "link_and_little_text",
    group: SignGroup::Structure,
    points: Points::Fitted(31),
    about: "A link and hardly a word beside it.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttp://a.example/x\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    let text = f.shown().split_whitespace().filter(|w| !w.contains("://")).map(str::len).fold(0, usize::saturating_add);
    when(text < 120 && f.clicks().next().is_some(), format!("{text} letters"))
}
