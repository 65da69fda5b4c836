//! A delivery report in plain text, as qmail and Exim write it: their words, and a copy of the message.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

/// In how much of the text the words of a report stand, in bytes.
const START: usize = 2000;

pub(super) const SIGN: Row = Row {
    id: "report_in_words",
    group: SignGroup::Automatic,
    points: Points::Fixed(300),
    about: "A delivery report in plain text, as qmail and Exim write it: their words, and a copy of the message.",
    check,
    #[cfg(test)]
    fires: &["Subject: failure notice\n\nHi. This is the qmail-send program at example.org.\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    let text = f.folding.text.get(..f.folding.text.floor_char_boundary(START)).unwrap_or("");
    let words = [
        "this is the qmail-send program",
        "this message was created automatically by mail delivery software",
        "a message that you sent could not be delivered",
        "this is a permanent error; i've given up",
        "this message was created automatically by the mail system",
        "your message did not reach some or all of the intended recipients",
        "i'm afraid i wasn't able to deliver your message",
    ];
    words.iter().find(|w| text.contains(**w)).map(|w| (*w).to_owned())
}
