//! The Message-ID is not of the form <left@right> (RFC 5322, 3.6.4).

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_malformed",
    group: SignGroup::Identity,
    points: Points::AtLeast { least: 170, fitted: 170 },
    about: "The Message-ID is not of the form <left@right> (RFC 5322, 3.6.4).",
    check,
    #[cfg(test)]
    fires: &["Message-ID: 12345", "Message-ID: <12345>", "Message-ID: <@example.org>", "Message-ID: <a b@example.org>"],
    #[cfg(test)]
    quiet: &["Message-ID: <1@example.org>", "From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    when(!f.message_id.is_empty() && parts(f).is_none(), f.message_id.as_str())
}
