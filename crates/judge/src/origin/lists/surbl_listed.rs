//! Lists in the DNS have the domain of a link (EX-03).

use super::{ListSign, Set, listed};

pub(super) const SIGN: ListSign = ListSign {
    id: "surbl_listed",
    set: Set::Surbl,
    acts: false,
    points: 0,
    about: "Lists in the DNS have the domain of a link (EX-03).",
    check: listed,
    #[cfg(test)]
    fires: &[&[("example.com", "one.example", 1)]],
    #[cfg(test)]
    quiet: &[&[]],
};
