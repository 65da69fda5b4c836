//! Digits and signs stand for letters in a word.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "digits_for_letters",
    group: SignGroup::Disguise,
    points: Points::Fitted(20),
    about: "Digits and signs stand for letters in a word.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbuy v1agra now\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nbuy it now\n"],
};

fn check(f: &Facts) -> Option<String> {
    f.words
        .split_whitespace()
        .take(3000)
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()))
        .find(|w| {
            const KNOWN: &[&str] = &[
                "viagra",
                "cialis",
                "xanax",
                "valium",
                "levitra",
                "phentermine",
                "mortgage",
                "pills",
                "rolex",
                "software",
                "penis",
                "casino",
                "paypal",
                "account",
                "click",
                "free",
                "online",
                "wholesale",
                "pharmacy",
                "drugs",
                "sex",
                "prescription",
            ];
            let undone: String = w
                .chars()
                .map(|c| match c {
                    '0' => 'o',
                    '1' | '!' | '|' => 'i',
                    '3' => 'e',
                    '4' | '@' => 'a',
                    '5' | '$' => 's',
                    '7' => 't',
                    c => c,
                })
                .filter(|c| c.is_alphabetic())
                .collect();
            w.len() < 20 && undone.as_str() != *w && KNOWN.contains(&undone.as_str())
        })
        .map(str::to_owned)
}
