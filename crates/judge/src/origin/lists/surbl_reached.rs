//! The weights of the lists that have domains of links come to 100 (D-1).

use super::{ListSign, REACHED_POINTS, Set, reached};

pub(super) const SIGN: ListSign = ListSign {
    id: "surbl_reached",
    set: Set::Surbl,
    acts: true,
    points: REACHED_POINTS,
    about: "Their weights come to 100: the rating is 100, or the address blacklisted (D-1).",
    check: reached,
    #[cfg(test)]
    fires: &[&[("example.com", "one.example", 60), ("example.com", "two.example", 40)]],
    #[cfg(test)]
    quiet: &[&[], &[("example.com", "one.example", 60), ("other", "one.example", 60)]],
};
