//! A receipt is asked for when the message is read.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "disposition_wanted",
    group: SignGroup::Header,
    points: Points::Fitted(42),
    about: "A receipt is asked for when the message is read.",
    check,
    #[cfg(test)]
    fires: &["Disposition-Notification-To: a@example.org"],
    #[cfg(test)]
    quiet: &["From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.field("disposition-notification-to").or_else(|| f.field("return-receipt-to")).map(str::to_owned)
}
