//! The weights of the lists that have the client's address come to 100 (D-1).

use super::{ListSign, REACHED_POINTS, Set, reached};

pub(super) const SIGN: ListSign = ListSign {
    id: "dnsbl_reached",
    set: Set::Dnsbl,
    acts: true,
    points: REACHED_POINTS,
    about: "Their weights come to 100: the rating is 100, or the address blacklisted (D-1).",
    check: reached,
    #[cfg(test)]
    fires: &[&[("192.0.2.7", "one.example", 60), ("192.0.2.7", "two.example", 40)]],
    #[cfg(test)]
    quiet: &[&[], &[("192.0.2.7", "one.example", 60), ("other", "one.example", 60)]],
};
