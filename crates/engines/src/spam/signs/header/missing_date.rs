//! There is no Date field.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "missing_date",
    group: SignGroup::Header,
    points: Points::Fitted(0),
    about: "There is no Date field.",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org"],
    #[cfg(test)]
    quiet: &["Date: Tue, 19 Sep 2023 14:11:40 +0200"],
};

fn check(f: &Facts) -> Option<String> {
    when(!f.has("date"), "no Date")
}
