//! A text's charset does not exist.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "unknown_charset",
    group: SignGroup::Structure,
    points: Points::Fitted(119),
    about: "A text's charset does not exist.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain; charset=zork\n\nx\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain; charset=utf-8\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    f.parts.iter().find(|p| !p.charset.is_empty() && !mail::charset::is_known(&p.charset)).map(|p| p.charset.clone())
}
