//! A sum stands in words and in digits, as contracts have it, in a letter of somebody who gives it away.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Bytes behind a bracket in which a sum in digits stands.
const SUM: usize = 40;

/// Bytes before it in which the same stands in words.
const SUM_IN_WORDS: usize = 120;

pub(super) const SIGN: Row = Row {
    id: "sum_in_words_and_digits",
    group: SignGroup::Composite,
    points: Points::Fitted(0),
    about: "A sum stands in words and in digits, as contracts have it, in a letter of somebody who gives it away.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nmy bank made a profit of Four Million Two Hundred Thousand Pounds \
         (\u{a3}4,200,000.00)\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nfour million people, (4,200,000)\n", "Subject: x\n\nthe price is $4,200,000.00\n"],
};

/// A sum in words, and right behind it the same in digits, in brackets.
fn check(f: &Facts) -> Option<String> {
    let text = f.folding.text.as_str();
    // Little is looked at around each bracket, and what costs least first: many brackets hide nothing.
    text.match_indices('(').find_map(|(at, _)| {
        let behind = text.get(at.saturating_add(1)..)?;
        let inside = behind.get(..behind.floor_char_boundary(SUM)).and_then(|near| near.split(')').next())?;
        if inside.bytes().filter(u8::is_ascii_digit).count() < 5 {
            return None;
        }
        let sum =
            inside.contains(['$', '€', '£']) || ["usd", "eur", "gbp", "us"].iter().any(|mark| inside.contains(mark));
        if !sum {
            return None;
        }
        let from = text.floor_char_boundary(at.saturating_sub(SUM_IN_WORDS));
        let before = text.get(from..at).unwrap_or("");
        let words = ["million", "thousand", "hundred", "billion"].iter().any(|word| before.contains(word));
        when(words, inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_hide_no_sum_that_stands_twice() {
        let look = |text: &str| {
            let raw = ["Subject: x\r\n\r\n", text, "\r\n"].concat();
            let graph = mail::graph::parse(raw.as_bytes(), &mail::graph::Limits::default());
            (SIGN.check)(&Facts::of(&graph, Vec::new(), crate::spam::Session::default()))
        };
        let sum = "four million dollars (us$4,000,000)";
        for padding in ["( ", "() ", "(us$1,234,567) "] {
            let padding = padding.repeat(20_000);
            assert_eq!(look(&padding), None);
            assert!(look(&[padding.as_str(), sum].concat()).is_some());
        }
    }
}
