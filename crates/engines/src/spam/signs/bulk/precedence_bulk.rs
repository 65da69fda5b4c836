//! Precedence says bulk, list or junk.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "precedence_bulk",
    group: SignGroup::Bulk,
    points: Points::Fixed(300),
    about: "Precedence says bulk, list or junk.",
    check,
    #[cfg(test)]
    fires: &["Precedence: bulk"],
    #[cfg(test)]
    quiet: &["Precedence: first-class"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("precedence")
        .filter(|p| ["bulk", "list", "junk"].iter().any(|w| p.eq_ignore_ascii_case(w)))
        .map(str::to_owned)
}
