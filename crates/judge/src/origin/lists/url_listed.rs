//! Lists in the DNS have the address of a link, its page or its host, by its hash.

use super::{ListSign, Set, listed};

pub(super) const SIGN: ListSign = ListSign {
    id: "url_listed",
    set: Set::Urls,
    acts: false,
    points: 0,
    about: "Lists in the DNS have the address of a link, its page or its host, by its hash.",
    check: listed,
    #[cfg(test)]
    fires: &[&[("shop.example/a", "one.example", 1)]],
    #[cfg(test)]
    quiet: &[&[]],
};
