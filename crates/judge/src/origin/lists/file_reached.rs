//! The weights of the lists that have attachments come to 100 (D-1).

use super::{ListSign, REACHED_POINTS, Set, reached};

pub(super) const SIGN: ListSign = ListSign {
    id: "file_reached",
    set: Set::Files,
    acts: true,
    points: REACHED_POINTS,
    about: "Their weights come to 100: the rating is 100, or the address blacklisted (D-1).",
    check: reached,
    #[cfg(test)]
    fires: &[&[("invoice.pdf", "one.example", 60), ("invoice.pdf", "two.example", 40)]],
    #[cfg(test)]
    quiet: &[&[], &[("invoice.pdf", "one.example", 60), ("other", "one.example", 60)]],
};
