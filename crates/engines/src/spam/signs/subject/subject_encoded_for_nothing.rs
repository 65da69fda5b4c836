//! The subject is plain ASCII, but encoded.

use mail::evidence::SignGroup;

use crate::spam::signs::sender::encoded_for_nothing;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "subject_encoded_for_nothing",
    group: SignGroup::Subject,
    points: Points::Fitted(44),
    about: "The subject is plain ASCII, but encoded.",
    check,
    #[cfg(test)]
    fires: &["Subject: =?utf-8?B?aGVsbG8=?="],
    #[cfg(test)]
    quiet: &["Subject: hello", "Subject: =?utf-8?Q?gr=C3=BC=C3=9Fe?="],
};

fn check(f: &Facts) -> Option<String> {
    encoded_for_nothing(f.field("subject").unwrap_or(""))
}
