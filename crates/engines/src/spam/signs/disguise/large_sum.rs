//! The text names a sum of millions.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "large_sum",
    group: SignGroup::Disguise,
    points: Points::Fitted(0),
    about: "The text names a sum of millions.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nthe sum of $25,500,000.00 is yours\n", "Subject: x\n\nUSD10.5 million for you\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nthe sum of $25\n"],
};

fn check(f: &Facts) -> Option<String> {
    let words: Vec<&str> = f.words.split_whitespace().take(4000).collect();
    words.windows(2).find_map(|pair| match pair {
        [number, word] => {
            let long = number
                .trim_matches(|c: char| !c.is_ascii_digit())
                .split([',', '.'])
                .filter(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()))
                .count()
                >= 2
                && (number.contains('$')
                    || number.contains("us")
                    || number.contains('€')
                    || number.contains('£')
                    || ["usd", "dollars", "us", "euro", "euros", "united", "pounds"]
                        .iter()
                        .any(|w| word.starts_with(w)));
            let million = number.chars().any(|c| c.is_ascii_digit())
                && ["million", "billion", "millones", "millionen", "milhoes"].iter().any(|w| word.starts_with(w))
                && (number.contains(['$', '€', '£']) || number.contains("usd"));
            when(long || million, format!("{number} {word}"))
        }
        _ => None,
    })
}
