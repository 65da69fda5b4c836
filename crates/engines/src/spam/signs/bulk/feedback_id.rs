//! Feedback-ID: a sending service counts complaints.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "feedback_id",
    group: SignGroup::Bulk,
    points: Points::Fixed(200),
    about: "Feedback-ID: a sending service counts complaints.",
    check,
    #[cfg(test)]
    fires: &["Feedback-ID: a:b:c:d"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("feedback-id").map(str::to_owned)
}
