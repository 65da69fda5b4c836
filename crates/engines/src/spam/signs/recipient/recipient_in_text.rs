//! The recipient's whole address stands in the text.

use mail::evidence::SignGroup;

use super::locals;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "recipient_in_text",
    group: SignGroup::Recipient,
    points: Points::Fitted(0),
    about: "The recipient's whole address stands in the text.",
    check,
    #[cfg(test)]
    fires: &["To: bob@example.net\n\nYour mailbox bob@example.net is full\n"],
    #[cfg(test)]
    quiet: &["To: bob@example.net\n\nHello\n"],
};

fn check(f: &Facts) -> Option<String> {
    locals(f).into_iter().find(|(_, whole)| f.folding.text.contains(whole.as_str())).map(|(_, whole)| whole)
}
