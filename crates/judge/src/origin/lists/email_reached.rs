//! The weights of the lists that have mail addresses of the message come to 100 (D-1).

use super::{ListSign, REACHED_POINTS, Set, reached};

pub(super) const SIGN: ListSign = ListSign {
    id: "email_reached",
    set: Set::Emails,
    acts: true,
    points: REACHED_POINTS,
    about: "Their weights come to 100: the rating is 100, or the address blacklisted (D-1).",
    check: reached,
    #[cfg(test)]
    fires: &[&[("ann@example.com", "one.example", 60), ("ann@example.com", "two.example", 40)]],
    #[cfg(test)]
    quiet: &[&[], &[("ann@example.com", "one.example", 60), ("other", "one.example", 60)]],
};
