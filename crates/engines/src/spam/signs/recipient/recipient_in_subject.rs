//! The recipient's address, or its first part, stands in the subject.

use mail::evidence::SignGroup;

use super::locals;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "recipient_in_subject",
    group: SignGroup::Recipient,
    points: Points::Fitted(0),
    about: "The recipient's address, or its first part, stands in the subject.",
    check,
    #[cfg(test)]
    fires: &[
        "To: bob.reader@example.net\nSubject: bob.reader, you won",
        "To: bob@example.net\nSubject: Account bob@example.net",
    ],
    #[cfg(test)]
    quiet: &["To: bob.reader@example.net\nSubject: The plan", "To: info@example.net\nSubject: info for you"],
};

fn check(f: &Facts) -> Option<String> {
    let subject = f.subject.to_lowercase();
    locals(f)
        .into_iter()
        .find(|(local, whole)| {
            subject.contains(whole.as_str())
                || subject
                    .split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-'))
                    .any(|word| word == local)
        })
        .map(|(_, whole)| whole)
}
