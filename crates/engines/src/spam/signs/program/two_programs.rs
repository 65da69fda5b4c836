//! Two programs say that they wrote it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "two_programs",
    group: SignGroup::Program,
    points: Points::Fitted(72),
    about: "Two programs say that they wrote it.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: a\nUser-Agent: b"],
    #[cfg(test)]
    quiet: &["X-Mailer: a"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.has("x-mailer") && f.has("user-agent") || f.count("x-mailer") > 1, "two programs")
}
