//! To has no address: a mailing to blind copies (HR-01).

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_01_to_without_address",
    group: SignGroup::Header,
    points: Points::AtLeast { least: 20, fitted: 21 },
    about: "To has no address: a mailing to blind copies (HR-01).",
    check,
    #[cfg(test)]
    fires: &["From: a@example.org", "To: undisclosed-recipients:;"],
    #[cfg(test)]
    quiet: &["To: b@example.net", "Cc: b@example.net"],
};

fn check(f: &Facts) -> Option<String> {
    when(!f.to.iter().any(|to| to.address.contains('@')) && f.cc.is_empty(), "To names nobody")
}
