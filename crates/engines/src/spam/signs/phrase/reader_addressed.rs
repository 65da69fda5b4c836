//! The text speaks of its reader: four of a hundred words are you or your.

use mail::evidence::SignGroup;

use super::{READER, often};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "reader_addressed",
    group: SignGroup::Phrase,
    points: Points::Fitted(120),
    about: "Four of a hundred words speak of the reader (you, your), and nothing shows who says so.",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: x\n\nYou can have what you want today and your friends will ask you about it all the time when they see the new house\n",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: x\n\nyour lunch\n",
        "Subject: x\n\nThe minutes of the meeting are on the wall beside the door, and the list of those who were there hangs next to it. Ask the office for your copy.\n",
        "From: a@example.org\nSubject: x\n\nYou can have what you want today and your friends will ask you about it all the time when they see the new house: http://example.org/\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    often(f, READER, 4)
}
