//! Three of a hundred words praise or press: best, free, guaranteed, today.

use mail::evidence::SignGroup;

use super::{PRAISE, often};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "praise",
    group: SignGroup::Phrase,
    points: Points::Fitted(87),
    about: "Three of a hundred words praise or press (best, free, guaranteed, today), and nothing shows who says so.",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: x\n\nAmazing quality, guaranteed. The best and cheapest there is, and absolutely free for a month. Order one of them today from the shop of ours\n",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nthe best\n",
        "Subject: x\n\nThe minutes of the meeting are on the wall beside the door, and the list of those who were there hangs next to it. Ask the office for a copy.\n",
        "List-Unsubscribe: <mailto:a@example.org>\nSubject: x\n\nAmazing quality, guaranteed. The best and cheapest there is, and absolutely free for a month. Order one of them today from the shop of ours\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    often(f, PRAISE, 3)
}
