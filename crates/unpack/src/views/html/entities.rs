//! Character references of HTML undone (WHATWG HTML, section 13.2.5.72), to UTF-8.
//!
//! Limits: [`MAX_NAME`], [`MAX_DIGITS`]. Of the named ones those of HTML 4 that mail and attacks use;
//! others stay as written.

use crate::bytes::between;

/// Longest name of a reference, in bytes.
const MAX_NAME: usize = 8;
/// Most digits of a number; longer ones are no character.
const MAX_DIGITS: usize = 32;

/// Names of the characters from U+00A0 on, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml \
    Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml \
    times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave \
    eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute \
    ucirc uuml yacute thorn yuml";
/// Further names.
const OTHERS: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("AMP", '&'),
    ("COPY", '©'),
    ("REG", '®'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("colon", ':'),
    ("semi", ';'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("rsqb", ']'),
    ("lbrack", '['),
    ("rbrack", ']'),
    ("lbrace", '{'),
    ("rbrace", '}'),
    ("period", '.'),
    ("comma", ','),
    ("sol", '/'),
    ("bsol", '\\'),
    ("num", '#'),
    ("equals", '='),
    ("plus", '+'),
    ("ast", '*'),
    ("excl", '!'),
    ("quest", '?'),
    ("percnt", '%'),
    ("commat", '@'),
    ("dollar", '$'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("vert", '|'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("hellip", '…'),
    ("euro", '€'),
    ("trade", '™'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("rarr", '→'),
    ("larr", '←'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
];
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
    // The old names count without a semicolon too, and then as far as they fit.
    (2..=length).rev().find_map(|length| {
        let name = name.get(..length)?;
        let latin = || LATIN.split_ascii_whitespace().zip('\u{a0}'..).find(|(known, _)| *known == name).map(|(_, c)| c);
        let other = OTHERS.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter);
        let whole = behind.get(length) == Some(&b';');
        let old = matches!(name, "amp" | "lt" | "gt" | "quot" | "AMP" | "LT" | "GT" | "QUOT" | "COPY" | "REG")
            || other.is_none();
        Some((other.or_else(latin)?, length)).filter(|_| whole || old)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ];
        for (raw, expected) in cases {
            assert_eq!(undone(raw.as_bytes()), expected, "{raw}");
        }
    }
}
