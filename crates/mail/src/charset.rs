//! Bytes of a named charset as text.
//!
//! Labels are those of the WHATWG Encoding Standard. A byte order mark wins over the label.
//! ISO-2022-KR, -CN and HZ, which the standard gives up on, are read in `shifted`. Not handled: UTF-7
//! and ISO-2022-CN-EXT beyond that; they read like an unknown charset.

use std::borrow::Cow;

use crate::graph::Recode;
use crate::shifted;
use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};

/// Charsets in which ASCII text does not stand as ASCII, by the start of their names.
const WIDE: &[&str] = &["utf-16", "utf16", "utf-32", "utf32", "ucs-2", "ucs2", "ucs-4", "unicode", "iso-10646"];
/// Names of UTF-7.
const UTF7: &[&str] =
    &["utf-7", "utf7", "unicode-1-1-utf-7", "unicode-2-0-utf-7", "csunicode11utf7", "x-unicode-2-0-utf-7"];

/// How a text of a charset becomes UTF-8 where its ASCII does not stand as ASCII.
pub(crate) fn recoding(charset: Option<&str>) -> Recode {
    // Nearly all charsets, so that they cost nothing.
    let Some(name) = charset.filter(|name| !name.starts_with("utf-8") && !name.starts_with("iso-8")) else {
        return Recode::None;
    };
    if let Some(recode) = shifted::by_name(name) {
        return recode;
    }
    if UTF7.contains(&name) {
        Recode::Utf7
    } else if WIDE.iter().any(|wide| name.starts_with(wide)) {
        Recode::Wide
    } else {
        Recode::None
    }
}

/// The bytes as text. A byte order mark decides; then the label; without a known label it is UTF-8
/// where it is valid, else windows-1252. Never fails: what cannot be decoded becomes U+FFFD.
pub fn to_text<'a>(bytes: &'a [u8], charset: Option<&str>) -> Cow<'a, str> {
    match charset.and_then(find) {
        Some(encoding) => encoding.decode(bytes).0,
        None => match charset.and_then(by_escapes) {
            Some(recode) => Cow::Owned(shifted::to_text(recode, bytes)),
            None => guess(bytes),
        },
    }
}

/// Whether [`to_text`] knows the label.
pub fn is_known(charset: &str) -> bool {
    find(charset).is_some() || by_escapes(charset).is_some()
}

/// UTF-16 or UTF-32 as text: the byte order by its mark, else by where the zeros stand.
pub(crate) fn wide_to_text(bytes: &[u8]) -> String {
    let zeros =
        |offset: usize, step: usize| bytes.iter().skip(offset).step_by(step).take(2048).filter(|b| **b == 0).count();
    let quad = matches!(bytes, [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..])
        || (zeros(1, 4) > 0 && zeros(1, 4) == zeros(2, 4) && zeros(2, 4) >= bytes.len().min(8192) / 5);
    if quad {
        let big = zeros(0, 4) >= zeros(3, 4);
        let unit = |four: &[u8]| match four {
            [a, b, c, d] if big => u32::from_be_bytes([*a, *b, *c, *d]),
            [a, b, c, d] => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => 0xfffd,
        };
        let chars =
            bytes.chunks_exact(4).map(unit).map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        return chars.filter(|c| *c != '\u{feff}').collect();
    }
    let big = match bytes {
        [0xfe, 0xff, ..] => true,
        [0xff, 0xfe, ..] => false,
        _ => zeros(0, 2) > zeros(1, 2),
    };
    let encoding = if big { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE };
    encoding.decode(bytes).0.into_owned()
}

/// The encoding of a label. `replacement` would hide the whole text behind one character, so it
/// counts as unknown.
fn find(charset: &str) -> Option<&'static Encoding> {
    // By far the most frequent label.
    if charset == "utf-8" {
        return Some(UTF_8);
    }
    Encoding::for_label(charset.trim().as_bytes()).filter(|encoding| *encoding != REPLACEMENT)
}

/// What switches by escapes and is not in the standard.
fn by_escapes(charset: &str) -> Option<Recode> {
    shifted::by_name(&charset.trim().to_ascii_lowercase())
}

/// Text without a usable label.
fn guess(bytes: &[u8]) -> Cow<'_, str> {
    if Encoding::for_bom(bytes).is_some() {
        return UTF_8.decode(bytes).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_by_mark_then_label_then_guess() {
        let cases: [(&[u8], Option<&str>, &str); 9] = [
            (b"plain", None, "plain"),
            (b"\xc3\xbc", None, "ü"),
            (b"\xfc", None, "ü"),
            (b"\xfc", Some("iso-8859-1"), "ü"),
            (b"\xfc", Some("no-such-charset"), "ü"),
            (b"\xef\xbb\xbf\xc3\xbc", Some("iso-8859-1"), "ü"),
            (b"\xff\xfeA\0", None, "A"),
            (b"\x82\xa0", Some(" Shift_JIS "), "あ"),
            (b"visible", Some("iso-2022-kr"), "visible"),
        ];
        for (bytes, charset, text) in cases {
            assert_eq!(to_text(bytes, charset), text, "{bytes:?} {charset:?}");
        }
    }

    #[test]
    fn valid_utf8_is_not_copied() {
        assert!(matches!(to_text("grün".as_bytes(), Some("utf-8")), Cow::Borrowed(_)));
    }
}
