//! The text ends in words that no language has.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "noise_words",
    group: SignGroup::Disguise,
    points: Points::Fitted(7),
    about: "The text ends in words that no language has.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbuy it now bzxkwq\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nbuy it now or never\n"],
};

fn check(f: &Facts) -> Option<String> {
    let tail: Vec<&str> = f.folding.text.split_whitespace().rev().take(12).collect();
    let odd = tail
        .iter()
        .filter(|w| {
            w.len() >= 5
                && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && !w.bytes().any(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
        })
        .count();
    when(odd >= 1 && tail.len() >= 3, tail.first().copied().unwrap_or(""))
}
