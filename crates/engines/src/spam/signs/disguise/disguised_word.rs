//! A word that filters look for is written with digits, signs or marks in it.

use mail::evidence::SignGroup;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Most words that are looked at for disguises.
const MAX_DISGUISED: usize = 20_000;

/// Words that are disguised because filters know them.
const TARGETS: &[&str] = &[
    "adipex",
    "adobe",
    "ambien",
    "bitcoin",
    "casino",
    "cialis",
    "codeine",
    "hydrocodone",
    "levitra",
    "lottery",
    "medication",
    "mortgage",
    "paypal",
    "penis",
    "pharmacy",
    "phentermine",
    "prescription",
    "prozac",
    "refinance",
    "replica",
    "rolex",
    "sexual",
    "software",
    "tramadol",
    "unsubscribe",
    "valium",
    "viagra",
    "vicodin",
    "xanax",
];

pub(super) const SIGN: Row = Row {
    id: "disguised_word",
    group: SignGroup::Disguise,
    points: Points::Fitted(124),
    about: "A word that filters look for is written with digits, signs or marks in it.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nbuy V1agra today\n", "Subject: x\n\nVa|ium\n", "Subject: x\n\nC.i.a.l.i.s and m0rtgage\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nviagra\n", "Subject: x\n\nsix 2nd via1 level3 m0 A4-paper c1 http://a.example/v1agra\n"],
};

/// A word of [`TARGETS`] that is there, but not as it is written.
fn check(f: &Facts) -> Option<String> {
    f.words.split_whitespace().take(MAX_DISGUISED).find_map(|word| {
        let trimmed = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let letters = trimmed.bytes().filter(u8::is_ascii_alphabetic).count();
        let odd = trimmed.len().saturating_sub(letters);
        if odd == 0 || letters < 3 || trimmed.len() > 24 || trimmed.contains("//") || trimmed.contains('@') {
            return None;
        }
        let plain: String = trimmed
            .bytes()
            .filter_map(|byte| match byte {
                b'0' => Some('o'),
                b'1' | b'|' | b'!' => Some('i'),
                b'3' => Some('e'),
                b'4' => Some('a'),
                b'5' | b'$' => Some('s'),
                b'7' => Some('t'),
                byte if byte.is_ascii_alphanumeric() => Some(char::from(byte)),
                _ => None,
            })
            .collect();
        // One letter looks like "i" and "l", so that both are tried.
        let alike = |target: &str| {
            target.len() == plain.len()
                && target.chars().zip(plain.chars()).all(|(a, b)| a == b || matches!((a, b), ('l', 'i')))
        };
        when(TARGETS.iter().any(|target| alike(target)), trimmed)
    })
}
