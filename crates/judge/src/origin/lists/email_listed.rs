//! Lists in the DNS have a mail address of the message, by its hash.

use super::{ListSign, Set, listed};

pub(super) const SIGN: ListSign = ListSign {
    id: "email_listed",
    set: Set::Emails,
    acts: false,
    points: 0,
    about: "Lists in the DNS have a mail address of the message, by its hash.",
    check: listed,
    #[cfg(test)]
    fires: &[&[("ann@example.com", "one.example", 1)]],
    #[cfg(test)]
    quiet: &[&[]],
};
