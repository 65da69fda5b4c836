//! Character references of HTML undone (WHATWG HTML, section 13.2.5.72), to UTF-8.
//!
//! Limits: [`MAX_NAME`], [`MAX_DIGITS`].

use std::sync::LazyLock;

use crate::bytes::between;

/// Longest name of a reference, in bytes.
const MAX_NAME: usize = 31;
/// Most digits of a number; longer ones are no character.
const MAX_DIGITS: usize = 32;

/// The names of HTML in the order of their bytes, each with its character; `*`: it counts without a semicolon, too.
/// Without the 93 that mean two characters, operators of mathematics but for one: those stay as written.
const NAMES: &str = include_str!("entities.txt");
/// Longest name that counts without a semicolon, in bytes.
const MAX_OLD: usize = 6;

/// A name, its character, and whether it counts without a semicolon.
type Named = (&'static str, char, bool);

static TABLE: LazyLock<Vec<Named>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut words = line.split(' ');
        let (name, code) = (words.next()?, words.next()?);
        Some((name, char::from_u32(u32::from_str_radix(code, 16).ok()?)?, words.next().is_some()))
    };
    NAMES.lines().filter_map(row).collect()
});
/// What the numbers from 128 to 159 mean: windows-1252.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// Text with its references undone. What is no UTF-8 becomes U+FFFD.
pub fn undone(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0_usize;
    while let Some(found) = memchr::memchr(b'&', between(text, from, text.len())) {
        let at = from.saturating_add(found);
        out.push_str(&String::from_utf8_lossy(between(text, from, at)));
        let behind = between(text, at.saturating_add(1), text.len());
        let (letter, length) = reference(behind).unwrap_or(('&', 0));
        out.push(letter);
        from = at.saturating_add(1).saturating_add(length);
    }
    out.push_str(&String::from_utf8_lossy(between(text, from, text.len())));
    out
}

/// The character that a reference behind its `&` means, and how long it is with its semicolon; `None` where
/// none is known.
pub fn reference(behind: &[u8]) -> Option<(char, usize)> {
    let numeric = behind.first() == Some(&b'#');
    let (letter, length) = if numeric { number(between(behind, 1, behind.len()))? } else { named(behind)? };
    let length = length.saturating_add(usize::from(numeric));
    let semicolon = behind.get(length) == Some(&b';');
    Some((letter, length.saturating_add(usize::from(semicolon))))
}

fn number(digits: &[u8]) -> Option<(char, usize)> {
    let hex = matches!(digits.first(), Some(b'x' | b'X'));
    let lead = usize::from(hex);
    let radix = if hex { 16 } else { 10 };
    let window = between(digits, lead, lead.saturating_add(MAX_DIGITS));
    let values = || window.iter().map_while(|byte| char::from(*byte).to_digit(radix));
    let count = values().count();
    let value = values().fold(0_u32, |sum, digit| sum.saturating_mul(radix).saturating_add(digit));
    let letter = match value {
        0x80..=0x9f => WINDOWS.chars().nth(value.saturating_sub(0x80) as usize),
        0 => None,
        _ => char::from_u32(value),
    };
    (count > 0).then_some((letter.unwrap_or(char::REPLACEMENT_CHARACTER), lead.saturating_add(count)))
}

fn named(behind: &[u8]) -> Option<(char, usize)> {
    let window = between(behind, 0, MAX_NAME);
    let length = window.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = std::str::from_utf8(between(window, 0, length)).ok()?;
    let known = |name: &str| {
        let at = TABLE.binary_search_by(|(known, _, _)| known.cmp(&name)).ok()?;
        TABLE.get(at).map(|(_, letter, old)| (*letter, *old))
    };
    let whole = || known(name).filter(|_| behind.get(length) == Some(&b';')).map(|(letter, _)| (letter, length));
    // The old names count without a semicolon too, and then as far as they fit.
    let old = |length: usize| known(name.get(..length)?).filter(|(_, old)| *old).map(|(letter, _)| (letter, length));
    whole().or_else(|| (2..=length.min(MAX_OLD)).rev().find_map(old))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_html_is_known() {
        let old = TABLE.iter().filter(|(_, _, old)| *old);
        assert_eq!((TABLE.len(), old.clone().count()), (2032, 106));
        assert!(TABLE.is_sorted() && old.clone().all(|(name, _, _)| name.len() <= MAX_OLD));
        assert_eq!(TABLE.iter().map(|(name, _, _)| name.len()).max(), Some(MAX_NAME));
        for (name, letter, _) in TABLE.iter() {
            assert_eq!(undone(format!("&{name};").as_bytes()), letter.to_string(), "{name}");
        }
    }

    #[test]
    fn references_are_undone() {
        let cases = [
            ("a&amp;b", "a&b"),
            ("&lt;p&gt", "<p>"),
            ("&#106;&#x61;&#X76&#97", "java"),
            ("java&Tab;script&colon;x&NewLine;", "java\tscript:x\n"),
            ("&eacute;&Eacute;&nbsp;&yuml;", "éÉ\u{a0}ÿ"),
            ("&ampx &colonx &notit; &bogus; & &;", "&x &colonx ¬it; &bogus; & &;"),
            ("&#150;&#0;&#xd800;&#x110000;&#99999999999;&#;&#x;", "–\u{fffd}\u{fffd}\u{fffd}\u{fffd}&#;&#x;"),
            ("&#0000000000000000000000000065;", "A"),
            ("re&ZeroWidthSpace;ply&MediumSpace;&aopf;&nGg;", "re\u{200b}ply\u{205f}\u{1d552}&nGg;"),
            ("&CounterClockwiseContourIntegral;&ZeroWidthSpacex;&hellip", "\u{2233}&ZeroWidthSpacex;&hellip"),
        ];
        for (raw, expected) in cases {
            assert_eq!(undone(raw.as_bytes()), expected, "{raw}");
        }
    }
}
