//! The subject ends in a word that no language has.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::signs::words::is_random;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "tail_in_subject",
    group: SignGroup::Subject,
    points: Points::Fitted(80),
    about: "The subject ends in a word that no language has.",
    check,
    #[cfg(test)]
    fires: &["Subject: cheap pills xkqjzvbwpt", "Subject: hello bzxkw"],
    #[cfg(test)]
    quiet: &["Subject: the Schwarz plan", "Subject: hello world"],
};

fn check(f: &Facts) -> Option<String> {
    let last = f.subject.split_whitespace().last()?;
    let inner = last.trim_matches(|c: char| !c.is_alphanumeric());
    when(f.subject.split_whitespace().count() > 1 && (is_random(inner) || inner.len() >= 5 && no_vowels(inner)), inner)
}

fn no_vowels(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_lowercase())
        && !word.bytes().any(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
}
