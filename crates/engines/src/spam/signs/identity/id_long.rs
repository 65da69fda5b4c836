//! The Message-ID is longer than any program makes it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_long",
    group: SignGroup::Identity,
    points: Points::Fitted(35),
    about: "The Message-ID is longer than any program makes it.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: \
         <aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
         aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org>"],
    #[cfg(test)]
    quiet: &["Message-ID: <1@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    when(f.message_id.len() > 150, format!("{} bytes", f.message_id.len()))
}
