//! To has no address: a mailing to blind copies (HR-01).

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "hr_01_to_without_address",
    group: SignGroup::Header,
    points: Points::AtLeast { least: 20, fitted: 23 },
    about: "To has no address: a mailing to blind copies (HR-01).",
    check,
    #[cfg(test)]
    fires: &[
        "From: a@example.org",
        "To: undisclosed-recipients:;",
        "To: undisclosed-recipients:;\nCc: hello",
        "To: @",
        "To: bob@",
    ],
    #[cfg(test)]
    quiet: &["To: b@example.net", "Cc: b@example.net"],
};

fn check(f: &Facts) -> Option<String> {
    let is_somebody =
        |address: &str| address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    when(!f.to.iter().chain(&f.cc).any(|to| is_somebody(&to.address)), "To names nobody")
}
