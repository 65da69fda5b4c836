//! The weights of the lists that have addresses of links come to 100 (D-1).

use super::{ListSign, REACHED_POINTS, Set, reached};

pub(super) const SIGN: ListSign = ListSign {
    id: "url_reached",
    set: Set::Urls,
    acts: true,
    points: REACHED_POINTS,
    about: "Their weights come to 100: the rating is 100, or the address blacklisted (D-1).",
    check: reached,
    #[cfg(test)]
    fires: &[&[("shop.example/a", "one.example", 60), ("shop.example/a", "two.example", 40)]],
    #[cfg(test)]
    quiet: &[&[], &[("shop.example/a", "one.example", 60), ("shop.example/", "one.example", 60)]],
};
