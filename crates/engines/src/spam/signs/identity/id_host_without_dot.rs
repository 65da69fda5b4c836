//! The right side of the Message-ID is no full host name.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_host_without_dot",
    group: SignGroup::Identity,
    points: Points::Fitted(0),
    about: "The right side of the Message-ID is no full host name.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: <1@PCNAME>"],
    #[cfg(test)]
    quiet: &["Message-ID: <1@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    parts(f).filter(|(_, host)| !host.contains('.') && !host.starts_with('[')).map(|(_, host)| host)
}
