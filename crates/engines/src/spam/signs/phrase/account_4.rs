//! The text has four phrases or more about an account that has to be confirmed.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "account_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(61),
    about: "The text has four phrases or more about an account that has to be confirmed.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nsecurity alert: verify your account, unusual activity, your password\n"],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nplain words\n",
        "Subject: x\n\nverify your account; confirm your account; update your account\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "account", 4)
}
