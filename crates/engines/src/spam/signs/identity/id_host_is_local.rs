//! The Message-ID comes from localhost or an address.

use mail::evidence::SignGroup;

use super::parts;
use crate::spam::facts::is_ip;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "id_host_is_local",
    group: SignGroup::Identity,
    points: Points::Fitted(74),
    about: "The Message-ID comes from localhost or an address.",
    check,
    #[cfg(test)]
    fires: &["Message-ID: <1@localhost.localdomain>", "Message-ID: <1@[192.0.2.1]>"],
    #[cfg(test)]
    quiet: &["Message-ID: <1@example.org>"],
};

fn check(f: &Facts) -> Option<String> {
    parts(f)
        .filter(|(_, host)| host.starts_with("localhost") || is_ip(host.trim_matches(['[', ']'])))
        .map(|(_, host)| host)
}
