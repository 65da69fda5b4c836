//! A field names recipients that could not be reached, or forbids automatic answers.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "failed_recipients",
    group: SignGroup::Automatic,
    points: Points::Fixed(250),
    about: "A field names recipients that could not be reached, or forbids automatic answers.",
    check,
    #[cfg(test)]
    fires: &["X-Failed-Recipients: b@example.org", "X-Auto-Response-Suppress: All"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("x-failed-recipients").or_else(|| f.field("x-auto-response-suppress")).map(str::to_owned)
}
