//! Bytes of a named charset as text.
//!
//! Labels are those of the WHATWG Encoding Standard. A byte order mark wins over the label.
//! ISO-2022-KR, -CN and HZ, which the standard gives up on, are read in `shifted`; UTF-7 is text of an unknown charset
//! but where [`unshifted`] is asked, since not every program reads it. Not handled: ISO-2022-CN-EXT beyond that.

use std::borrow::Cow;

use crate::graph::Recode;
use crate::shifted;
use crate::transfer::embedded::utf7;
use chardetng::EncodingDetector;
use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_874, WINDOWS_1252};

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

/// The bytes as text where the label is one of UTF-7, which some mail programs read and others show as it stands;
/// `None` for every other.
pub fn unshifted(bytes: &[u8], charset: Option<&str>) -> Option<String> {
    let label = charset?.trim();
    let named = UTF7.iter().any(|known| known.eq_ignore_ascii_case(label));
    named.then(|| String::from_utf8_lossy(&utf7(bytes)).into_owned())
}

/// Bytes of a header field as text: like [`to_text`], and UTF-7 where the label says so.
pub(crate) fn field_to_text<'a>(bytes: &'a [u8], charset: Option<&str>) -> Cow<'a, str> {
    unshifted(bytes, charset).map_or_else(|| to_text(bytes, charset), Cow::Owned)
}

/// Most bytes that a charset is guessed from.
const MAX_GUESSED: usize = 16 * 1024;

/// The bytes as text that somebody means to be read, for judging it: like [`to_text`], but what is valid UTF-8 is UTF-8
/// whatever a label of single bytes says, and letters beyond ASCII that have no label, an unknown one, or that of ASCII
/// may be of a charset of several bytes, or Thai. Which one is told by their frequencies in the first 16 KiB.
pub fn to_likely_text<'a>(bytes: &'a [u8], charset: Option<&str>) -> Cow<'a, str> {
    if bytes.is_ascii() {
        return to_text(bytes, charset);
    }
    let is_ascii = |label: &str| matches!(label.trim().to_ascii_lowercase().as_str(), "us-ascii" | "ascii");
    let known = charset.filter(|label| !is_ascii(label) && is_known(label));
    let in_single_bytes = known.and_then(find).is_some_and(Encoding::is_single_byte);
    if (known.is_none() || in_single_bytes) && std::str::from_utf8(bytes).is_ok() {
        return guess(bytes);
    }
    if known.is_some() || Encoding::for_bom(bytes).is_some() {
        return to_text(bytes, known);
    }
    let mut detector = EncodingDetector::new();
    detector.feed(bytes.get(..MAX_GUESSED).unwrap_or(bytes), bytes.len() <= MAX_GUESSED);
    let told = detector.guess(None, false);
    let is_far = !told.is_single_byte() || told == WINDOWS_874;
    if is_far { told.decode_without_bom_handling(bytes).0 } else { guess(bytes) }
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
    fn likely_text_goes_by_the_bytes_where_the_label_cannot_be_right() {
        let chinese = "\u{4f60}\u{597d}\u{ff0c}\u{8fd9}\u{662f}\u{4e00}\u{5c01}\u{4e2d}\u{6587}\u{90ae}\u{4ef6}\u{ff0c}\u{8bf7}\u{67e5}\u{6536}\u{3002}".repeat(4);
        let korean = "\u{c548}\u{b155}\u{d558}\u{c138}\u{c694} \u{c774}\u{ac83}\u{c740} \u{d55c}\u{ad6d}\u{c5b4} \u{ba54}\u{c77c}\u{c785}\u{b2c8}\u{b2e4} ".repeat(4);
        let thai = "\u{e2a}\u{e27}\u{e31}\u{e2a}\u{e14}\u{e35}\u{e04}\u{e23}\u{e31}\u{e1a} \u{e19}\u{e35}\u{e48}\u{e04}\u{e37}\u{e2d}\u{e2d}\u{e35}\u{e40}\u{e21}\u{e25}\u{e20}\u{e32}\u{e29}\u{e32}\u{e44}\u{e17}\u{e22} ".repeat(4);
        let cases = [
            ("gb18030", chinese.as_str(), None),
            ("gb18030", &chinese, Some("cp936")),
            ("gb18030", &chinese, Some("us-ascii")),
            ("gb18030", &chinese, Some("gb2312")),
            (
                "big5",
                "\u{4f60}\u{597d}\u{ff0c}\u{9019}\u{662f}\u{4e00}\u{5c01}\u{4e2d}\u{6587}\u{90f5}\u{4ef6}\u{ff0c}\u{8acb}\u{67e5}\u{6536}\u{3002}",
                Some("big5"),
            ),
            ("euc-kr", &korean, None),
            ("windows-874", &thai, None),
            ("utf-8", &chinese, Some("iso-8859-1")),
            ("utf-8", &chinese, Some("us-ascii")),
            ("utf-8", &chinese, None),
        ];
        for (written, text, label) in cases {
            let bytes = Encoding::for_label(written.as_bytes()).unwrap().encode(text).0.into_owned();
            assert_eq!(to_likely_text(&bytes, label), text, "{written} {label:?}");
        }
        let plain = [
            (&b"caf\xe9 na\xefve"[..], None),
            (b"caf\xe9", Some("iso-8859-1")),
            (b"caf\xe9", Some("us-ascii")),
            (b"cafe", None),
        ];
        for (bytes, label) in plain {
            assert_eq!(to_likely_text(bytes, label), to_text(bytes, label), "{label:?}");
        }
    }

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
