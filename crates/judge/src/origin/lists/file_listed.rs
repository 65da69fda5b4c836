//! Lists in the DNS have an attachment, by its hash.

use super::{ListSign, Set, listed};

pub(super) const SIGN: ListSign = ListSign {
    id: "file_listed",
    set: Set::Files,
    acts: false,
    points: 0,
    about: "Lists in the DNS have an attachment, by its hash.",
    check: listed,
    #[cfg(test)]
    fires: &[&[("invoice.pdf", "one.example", 1)]],
    #[cfg(test)]
    quiet: &[&[]],
};
