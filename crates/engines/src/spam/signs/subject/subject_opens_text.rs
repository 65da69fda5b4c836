//! The text begins with the subject, word by word, and goes on: programs that send one text to many fill in both.

use mail::evidence::SignGroup;

use super::words;
use crate::spam::signs::{sells_unnamed, when};
use crate::spam::{Facts, Points, Row};

/// Fewest bytes of the subject's words: many a letter begins with "Hello".
const FEWEST: usize = 6;

pub(super) const SIGN: Row = Row {
    id: "subject_opens_text",
    group: SignGroup::Subject,
    points: Points::Fitted(108),
    about: "The text begins with the subject, word by word, and goes on, and nothing shows who says so.",
    check,
    #[cfg(test)]
    fires: &[
        "Subject: Have a look\n\nHave a\n look!\nIt is new.\n",
        "Subject: Offers\nContent-Type: text/html\n\n<p><b>Offers</b> of May\n",
    ],
    #[cfg(test)]
    quiet: &[
        "Subject: Have a look\n\nHello, have a look.\n",
        "Subject: Hi\n\nHi Ann\n",
        "Subject: Have a look\n\nHave a\n",
        "Subject: Have a look\n\nHave a look\n",
        "From: a@example.org\nSubject: Have a look\n\nHave a look! http://example.org/ is new.\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let mut text = words(&f.folding.text);
    let mut letters = 0_usize;
    for word in words(&f.subject_folding.text) {
        if text.next() != Some(word) {
            return None;
        }
        letters = letters.saturating_add(word.len());
    }
    // A text that only repeats the subject is what scripts write.
    when(letters >= FEWEST && text.next().is_some() && sells_unnamed(f), f.subject.trim())
}
