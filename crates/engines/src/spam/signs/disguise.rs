//! How the text is written: letters that are not what they look like, noise, shouting.

use super::subject::spaced;
use super::words::is_loud;
use super::{sign, some, when};
use crate::spam::Facts;
use crate::spam::Points::Fitted;
use crate::spam::Row;

/// Most words that are looked at for disguises.
const MAX_DISGUISED: usize = 20_000;

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "mixed_letters_in_subject", Disguise, "A word of the subject mixes Latin letters with look-alikes of another script.",
        |f| some(&f.subject_folding.mixed_word),
        fires: ["Subject: =?utf-8?Q?P=D0=B0yp=D0=B0l?="], quiet: ["Subject: Paypal", "Subject: =?utf-8?B?0L/RgNC40LLQtdGC?="]),
    sign!(Fitted, "mixed_letters_in_text", Disguise, "Words of the text mix Latin letters with look-alikes of another script.",
        |f| when(f.folding.mixed_words >= 2, f.folding.mixed_word.as_str()),
        fires: ["Content-Type: text/plain; charset=utf-8\n\nYour w\u{430}llet and your \u{430}ccount\n"], quiet: ["Subject: x\n\nwallet\n"]),
    sign!(Fitted, "mixed_letters_in_name", Disguise, "The sender's display name mixes Latin letters with look-alikes of another script.",
        |f| f.sender().map(|from| crate::spam::facts::fold(&from.name)).and_then(|folding| some(&folding.mixed_word)),
        fires: ["From: =?utf-8?Q?N=D0=B5tflix?= <a@example.org>"], quiet: ["From: Netflix <a@example.org>"]),
    sign!(Fitted, "styled_letters", Disguise, "Subject or text is written in mathematical, circled or full-width letters.",
        |f| {
            let count = f.subject_folding.styled.saturating_add(f.folding.styled);
            when(count >= 4 && f.scripts.han == 0 && f.scripts.kana == 0, format!("{count} letters"))
        },
        fires: ["Subject: =?utf-8?B?8J2Xqu+8pu+8p/Cdl6rwnZeq8J2Xqg==?="], quiet: ["Subject: x"]),
    sign!(Fitted, "invisible_letters", Disguise, "Characters that show nothing stand inside of words.",
        |f| {
            let count = f.subject_folding.invisible.saturating_add(f.folding.invisible);
            when(count >= 4, format!("{count} characters"))
        },
        fires: ["Content-Type: text/plain; charset=utf-8\n\na\u{200b}b\u{200b}c\u{200b}d\u{200b}e\n"], quiet: ["Subject: x"]),
    sign!(Fitted, "reversed_writing", Disguise, "Characters turn the direction of writing in a text that needs none.",
        |f| when(f.subject_folding.bidi.saturating_add(f.folding.bidi) > 0 && f.scripts.semitic == 0, "direction marks"),
        fires: ["Content-Type: text/plain; charset=utf-8\n\na\u{202e}b\n"], quiet: ["Subject: x"]),
    sign!(Fitted, "stacked_marks", Disguise, "Letters of Latin have marks put upon them.",
        |f| when(f.folding.stacked.saturating_add(f.subject_folding.stacked) >= 5, "marks"),
        fires: ["Content-Type: text/plain; charset=utf-8\n\na\u{301}b\u{301}c\u{301}d\u{301}e\u{301}\n"], quiet: ["Subject: x"]),
    sign!(Fitted, "spaced_letters", Disguise, "A word of the text has something between its letters.",
        |f| spaced(f.folding.text.get(..f.folding.text.floor_char_boundary(2000)).unwrap_or("")),
        fires: ["Subject: x\n\nbuy v-i-a-g-r-a here\n"], quiet: ["Subject: x\n\nbuy it here\n"]),
    sign!(Fitted, "digits_for_letters", Disguise, "Digits and signs stand for letters in a word.",
        |f| f.words.split_whitespace().take(3000).map(|w| w.trim_matches(|c: char| !c.is_alphanumeric())).find(|w| {
            const KNOWN: &[&str] = &["viagra", "cialis", "xanax", "valium", "levitra", "phentermine", "mortgage", "pills", "rolex", "software", "penis", "casino", "paypal", "account", "click", "free", "online", "wholesale", "pharmacy", "drugs", "sex", "prescription"];
            let undone: String = w.chars().map(|c| match c { '0' => 'o', '1' | '!' | '|' => 'i', '3' => 'e', '4' | '@' => 'a', '5' | '$' => 's', '7' => 't', c => c }).filter(|c| c.is_alphabetic()).collect();
            w.len() < 20 && undone.as_str() != *w && KNOWN.contains(&undone.as_str())
        }).map(str::to_owned),
        fires: ["Subject: x\n\nbuy v1agra now\n"], quiet: ["Subject: x\n\nbuy it now\n"]),
    sign!(Fitted, "disguised_word", Disguise, "A word that filters look for is written with digits, signs or marks in it.", disguised,
        fires: ["Subject: x\n\nbuy V1agra today\n", "Subject: x\n\nVa|ium\n", "Subject: x\n\nC.i.a.l.i.s and m0rtgage\n"],
        quiet: ["Subject: x\n\nviagra\n", "Subject: x\n\nsix 2nd via1 level3 m0 A4-paper c1 http://a.example/v1agra\n"]),
    sign!(Fitted, "loud_text", Disguise, "Whole lines of the text are capitals.",
        |f| {
            let count = f.shown().lines().take(500).filter(|line| line.len() > 25 && line.split_whitespace().count() > 3 && is_loud(line, 20)).count();
            when(count >= 2, format!("{count} lines"))
        },
        fires: ["Subject: x\n\nTHIS IS YOUR CHANCE TO MAKE MONEY\nDO NOT MISS THIS OFFER EVER AGAIN\n"], quiet: ["Subject: x\n\nThis is not.\n"]),
    sign!(Fitted, "mostly_capitals", Disguise, "A third of all letters are capitals.",
        |f| when(f.folding.letters > 100 && f.folding.capitals.saturating_mul(3) > f.folding.letters, format!("{} of {}", f.folding.capitals, f.folding.letters)),
        fires: ["Subject: x\n\nTHIS IS YOUR CHANCE TO MAKE MONEY AND MORE MONEY EVERY DAY OF YOUR LIFE SO DO NOT MISS THIS OFFER EVER AGAIN AND WRITE TODAY TO US OR CALL\n"], quiet: ["Subject: x\n\nThis is not.\n"]),
    sign!(Fitted, "many_exclamations", Disguise, "The text exclaims all the time.",
        |f| {
            let count = f.folding.text.matches('!').count();
            when(count >= 5 && count.saturating_mul(400) > f.folding.text.len(), format!("{count} times"))
        },
        fires: ["Subject: x\n\nbuy! now! here! all! free!\n"], quiet: ["Subject: x\n\nbuy!\n"]),
    sign!(Fitted, "much_money", Disguise, "The text names sums of money again and again.",
        |f| {
            let text = f.folding.text.as_str();
            let count = ['$', '€', '£'].iter().map(|mark| text.match_indices(*mark).filter(|(at, m)| text.get(at.saturating_add(m.len())..).is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))).count()).fold(0, usize::saturating_add);
            when(count >= 3, format!("{count} sums"))
        },
        fires: ["Subject: x\n\n$5 or $50 or $500\n"], quiet: ["Subject: x\n\n$5\n"]),
    sign!(Fitted, "large_sum", Disguise, "The text names a sum of millions.",
        |f| {
            let words: Vec<&str> = f.words.split_whitespace().take(4000).collect();
            words.windows(2).find_map(|pair| match pair {
                [number, word] => {
                    let long = number.trim_matches(|c: char| !c.is_ascii_digit()).split([',', '.']).filter(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit())).count() >= 2 && (number.contains('$') || number.contains("us") || number.contains('€') || number.contains('£') || ["usd", "dollars", "us", "euro", "euros", "united", "pounds"].iter().any(|w| word.starts_with(w)));
                    let million = number.chars().any(|c| c.is_ascii_digit()) && ["million", "billion", "millones", "millionen", "milhoes"].iter().any(|w| word.starts_with(w)) && (number.contains(['$', '€', '£']) || number.contains("usd"));
                    when(long || million, format!("{number} {word}"))
                }
                _ => None,
            })
        },
        fires: ["Subject: x\n\nthe sum of $25,500,000.00 is yours\n", "Subject: x\n\nUSD10.5 million for you\n"], quiet: ["Subject: x\n\nthe sum of $25\n"]),
    sign!(Fitted, "noise_words", Disguise, "The text ends in words that no language has.",
        |f| {
            let tail: Vec<&str> = f.folding.text.split_whitespace().rev().take(12).collect();
            let odd = tail.iter().filter(|w| w.len() >= 5 && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) && !w.bytes().any(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))).count();
            when(odd >= 1 && tail.len() >= 3, tail.first().copied().unwrap_or(""))
        },
        fires: ["Subject: x\n\nbuy it now bzxkwq\n"], quiet: ["Subject: x\n\nbuy it now or never\n"]),
];

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

/// A word of [`TARGETS`] that is there, but not as it is written.
fn disguised(f: &Facts) -> Option<String> {
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
