//! The text has four phrases or more about cheap goods.

use mail::evidence::SignGroup;

use super::family;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "goods_4",
    group: SignGroup::Phrase,
    points: Points::Fitted(0),
    about: "The text has four phrases or more about cheap goods.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nreplica rolex watches discount\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nplain words\n", "Subject: x\n\nreplica; watches; designer\n"],
};

fn check(f: &Facts) -> Option<String> {
    family(f, "goods", 4)
}
