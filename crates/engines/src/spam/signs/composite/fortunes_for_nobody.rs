//! Fortunes for readers that the header does not name, or whose answers go elsewhere.

use mail::evidence::SignGroup;

use super::{FORTUNES, at_least};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "fortunes_for_nobody",
    group: SignGroup::Composite,
    points: Points::Fitted(30),
    about: "Fortunes for readers that the header does not name, or whose answers go elsewhere.",
    check,
    #[cfg(test)]
    fires: &["To: undisclosed-recipients:;\nSubject: x\n\nmy late husband, next of kin\n"],
    #[cfg(test)]
    quiet: &[
        "To: b@example.net\nSubject: x\n\nmy late husband, next of kin\n",
        "To: undisclosed-recipients:;\nSubject: x\n\nlunch?\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    when(
        at_least(f, FORTUNES, 1)
            && at_least(
                f,
                &[
                    "hr_01_to_without_address",
                    "reply_to_other_domain",
                    "free_mail_changes",
                    "sender_is_recipient",
                    "to_is_generic",
                ],
                1,
            ),
        "a fortune for nobody",
    )
}
