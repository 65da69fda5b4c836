//! Encoded words (RFC 2047).
//!
//! Lenient: words may be longer than 75 bytes, hold blanks, stand inside other text and inside
//! quoted strings. Neighbouring words of one charset are joined before they are decoded, because
//! senders split characters. Each question mark is looked at a fixed number of times.

use crate::charset;
use crate::transfer;

/// Longest charset name of an encoded word.
const MAX_CHARSET: usize = 64;

/// Decodes an unstructured value: line ends are taken out, encoded words decoded, other bytes read
/// as UTF-8 or else windows-1252. NUL and other controls stay: whoever shows it escapes it.
pub fn decode_words(raw: &[u8]) -> String {
    let mut out = Output::default();
    walk(&super::unfold(raw), &mut |piece| match piece {
        Piece::Plain(bytes, word_follows) => out.plain(bytes, word_follows),
        Piece::Word(word) => out.word(word.charset, &word.bytes),
    });
    out.flush();
    out.text
}

/// Whether a word stands in a value that cannot be decoded.
pub(crate) fn has_bad_word(raw: &[u8]) -> bool {
    walk(&super::unfold(raw), &mut |_| {})
}

/// A stretch of a value.
enum Piece<'v> {
    /// Text, and whether a word follows it.
    Plain(&'v [u8], bool),
    Word(Word),
}

/// Gives the words of a value and the text between them; and whether a word could not be decoded.
fn walk(value: &[u8], each: &mut dyn FnMut(Piece<'_>)) -> bool {
    let mut bad = false;
    let mut plain = 0;
    let mut at = 0;
    while let Some(found) = value.get(at..).and_then(|rest| memchr::memmem::find(rest, b"=?")) {
        let start = at + found;
        match read_word(value, start) {
            Some(word) => {
                each(Piece::Plain(value.get(plain..start).unwrap_or(&[]), true));
                bad |= word.bad || !charset::is_known(&word.charset);
                at = word.end;
                plain = word.end;
                each(Piece::Word(word));
            }
            None => {
                bad = true;
                at = start + 2;
            }
        }
    }
    each(Piece::Plain(value.get(plain..).unwrap_or(&[]), false));
    bad
}

/// One decoded word.
struct Word {
    charset: String,
    bytes: Vec<u8>,
    end: usize,
    bad: bool,
}

/// Reads `=?charset?encoding?text?=` at `start`; `None` where it is not one.
fn read_word(value: &[u8], start: usize) -> Option<Word> {
    let until = |from: usize| {
        let rest = value.get(from..)?;
        memchr::memchr(b'?', rest).map(|at| from + at)
    };
    let charset_end = until(start + 2)?;
    let charset = value.get(start + 2..charset_end)?;
    let encoding_end = charset_end + 2;
    if charset.is_empty() || charset.len() > MAX_CHARSET || value.get(encoding_end) != Some(&b'?') {
        return None;
    }
    let text_end = until(encoding_end + 1)?;
    if value.get(text_end + 1) != Some(&b'=') {
        return None;
    }
    let text = value.get(encoding_end + 1..text_end)?;
    let (bytes, bad) = match value.get(charset_end + 1)? {
        b'b' | b'B' => {
            let decoded = transfer::base64(text, text.len());
            (decoded.bytes, !decoded.defects.is_empty())
        }
        b'q' | b'Q' => decode_q(text),
        _ => return None,
    };
    // RFC 2231 section 5: the language follows a star.
    let charset = charset.split(|byte| *byte == b'*').next().unwrap_or(charset);
    let charset = String::from_utf8_lossy(charset).to_ascii_lowercase();
    Some(Word { charset, bytes, end: text_end + 2, bad })
}

/// The Q encoding: `_` is a space, `=XX` a byte.
fn decode_q(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut bad = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let digits =
            (text.get(at + 1).copied().and_then(transfer::hex), text.get(at + 2).copied().and_then(transfer::hex));
        match (byte, digits) {
            (b'=', (Some(high), Some(low))) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'_', _) => out.push(b' '),
            (byte, _) => {
                bad |= *byte == b'=';
                out.push(*byte);
            }
        }
        at += 1;
    }
    (out, bad)
}

/// Text so far, and the bytes of the run of words that is not decoded yet.
#[derive(Default)]
struct Output {
    text: String,
    charset: Option<String>,
    bytes: Vec<u8>,
}

impl Output {
    /// Text between words; blanks between two words vanish.
    fn plain(&mut self, bytes: &[u8], word_follows: bool) {
        if self.charset.is_some() && word_follows && bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        self.flush();
        self.text.push_str(&charset::to_text(bytes, None));
    }

    fn word(&mut self, charset: String, bytes: &[u8]) {
        if self.charset.as_deref() != Some(&charset) {
            self.flush();
        }
        self.charset = Some(charset);
        self.bytes.extend_from_slice(bytes);
    }

    fn flush(&mut self) {
        if let Some(charset) = self.charset.take() {
            self.text.push_str(&charset::field_to_text(&self.bytes, Some(&charset)));
            self.bytes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded() {
        let cases = [
            ("plain", "plain"),
            ("=?utf-8?B?w7w=?=", "ü"),
            ("=?UTF-8?q?a_=C3=BC?= b", "a ü b"),
            ("=?utf-8?B?w7w=?= =?utf-8?B?w7w=?=", "üü"),
            ("=?utf-8?B?w7w=?=\r\n =?utf-8?Q?=C3=BC?=", "üü"),
            ("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"),
            ("=?iso-8859-1*de?Q?=FC?=", "ü"),
            ("a =?utf-8?B?w7w=?= b", "a ü b"),
            ("\"=?utf-8?B?w7w=?=\"", "\"ü\""),
            ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
            ("=?utf-8?B?abc", "=?utf-8?B?abc"),
            ("=?=?utf-8?B?w7w=?=", "=?ü"),
            ("=?utf-7?Q?+APw-ber_2+-2?=", "über 2+2"),
            ("=?UTF-7?B?K0FQdy1iZXI=?=", "über"),
            ("=?unicode-1-1-utf-7?Q?+AP?= =?unicode-1-1-utf-7?Q?w-ber?=", "über"),
            ("folded\r\n text", "folded text"),
        ];
        for (raw, text) in cases {
            assert_eq!(decode_words(raw.as_bytes()), text, "{raw}");
        }
        assert_eq!(decode_words(b"raw \xfc"), "raw ü");
    }

    #[test]
    fn broken_words_are_noted() {
        for (raw, bad) in [
            ("=?utf-8?Q?ok?=", false),
            ("=?utf-8?Q?=zz?=", true),
            ("=?x-none?Q?a?=", true),
            ("=?utf-7?Q?+APw-?=", true),
            ("=?", true),
        ] {
            assert_eq!(has_bad_word(raw.as_bytes()), bad, "{raw}");
        }
    }
}
