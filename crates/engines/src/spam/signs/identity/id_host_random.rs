//! The right side of the Message-ID looks made by a program.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::facts::registered;
use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_host_random",
    group: SignGroup::Identity,
    points: Points::Fitted(92),
    about: "The right side of the Message-ID looks made by a program.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: <1@xkqjzvbwpt.com>"],
    #[cfg(test)]
    quiet: &["Message-ID: <1@mail.example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    parts(f).filter(|(_, host)| is_random(registered(host).split('.').next().unwrap_or(""))).map(|(_, host)| host)
}
