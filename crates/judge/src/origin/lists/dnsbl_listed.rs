//! Lists in the DNS have the client's address (EX-02).

use super::{ListSign, Set, listed};

pub(super) const SIGN: ListSign = ListSign {
    id: "dnsbl_listed",
    set: Set::Dnsbl,
    acts: false,
    points: 0,
    about: "Lists in the DNS have the client's address (EX-02).",
    check: listed,
    #[cfg(test)]
    fires: &[&[("192.0.2.7", "one.example", 1)]],
    #[cfg(test)]
    quiet: &[&[]],
};
