//! Text and values written so that every parser reads them alike: no `<`, no `>`, no `"` in values, every
//! reference closed by its semicolon, no control characters.
//!
//! References to characters of ASCII become the character; others a number, but for names that are not known
//! here: those stay as they are. `charset=` is never written as such, since programs search for it anywhere, and neither is `+`, by which some
//! take a page for UTF-7.

use unpack::formats::html::reference;

use crate::bytes::between;

/// Longest name of a reference that stays as it is, in bytes: longer ones are none.
const MAX_NAME: usize = 32;
/// What programs search for, wherever it stands.
const CHARSET: &[u8] = b"charset";

/// Where text goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Between tags.
    Text,
    /// In a value in double quotes.
    Value,
}

/// How text is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// XML: names of HTML mean nothing.
    pub(super) xml: bool,
    /// Characters beyond ASCII become numbers; the text is UTF-8.
    pub(super) ascii: bool,
}

/// Writes text whose references are not undone yet.
pub(super) fn put(raw: &[u8], place: Place, style: Style, out: &mut Vec<u8>) {
    let mut at = 0_usize;
    while let Some(found) = memchr::memchr(b'&', between(raw, at, raw.len())) {
        let stands = at.saturating_add(found);
        put_plain(between(raw, at, stands), place, style, out);
        let behind = between(raw, stands.saturating_add(1), raw.len());
        at = stands.saturating_add(1).saturating_add(put_reference(behind, place, style, out));
    }
    put_plain(between(raw, at, raw.len()), place, style, out);
}

/// Writes what stands behind an `&`; gives how much of it is written.
fn put_reference(behind: &[u8], place: Place, style: Style, out: &mut Vec<u8>) -> usize {
    let named = behind.iter().take(MAX_NAME).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let closed = named > 0 && behind.get(named) == Some(&b';');
    let known = reference(behind).filter(|(_, length)| {
        let open = behind.get(length.saturating_sub(1)) != Some(&b';');
        // In a value `&copy=1` is what it looks like.
        let part = behind.get(*length).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'=');
        !(place == Place::Value && open && part && named > 0)
    });
    match known {
        Some((letter, length)) if letter.is_ascii() => {
            put_plain(&[letter as u8], place, style, out);
            length
        }
        Some((letter, length)) => {
            out.extend(format!("&#{};", u32::from(letter)).into_bytes());
            length
        }
        None if closed && !style.xml => {
            out.push(b'&');
            out.extend(between(behind, 0, named.saturating_add(1)));
            named.saturating_add(1)
        }
        None => {
            out.extend(b"&amp;");
            0
        }
    }
}

/// Writes text in which `&` is a letter like any other.
pub(super) fn put_plain(raw: &[u8], place: Place, style: Style, out: &mut Vec<u8>) {
    if style.ascii && !raw.is_ascii() {
        for letter in String::from_utf8_lossy(raw).chars() {
            if letter.is_ascii() {
                put_byte(letter as u8, place, out);
            } else {
                out.extend(format!("&#{};", u32::from(letter)).into_bytes());
            }
        }
        return;
    }
    raw.iter().for_each(|byte| put_byte(*byte, place, out));
}

fn put_byte(byte: u8, place: Place, out: &mut Vec<u8>) {
    match byte {
        b'<' => out.extend(b"&lt;"),
        b'>' => out.extend(b"&gt;"),
        b'&' => out.extend(b"&amp;"),
        b'"' if place == Place::Value => out.extend(b"&quot;"),
        b'=' if names_charset(out) => out.extend(b"&#61;"),
        b'+' => out.extend(b"&#43;"),
        b'\t' | b'\n' | b'\r' if place == Place::Value => out.push(b' '),
        b'\x0c' => out.push(b' '),
        b'\t' | b'\n' | b'\r' => out.push(byte),
        0..=0x1f | 0x7f => {}
        byte => out.push(byte),
    }
}

/// Whether what is written so far ends with the word, perhaps with blanks behind it.
fn names_charset(out: &[u8]) -> bool {
    let end = out.trim_ascii_end();
    let start = end.len().saturating_sub(CHARSET.len());
    between(end, start, end.len()).eq_ignore_ascii_case(CHARSET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(raw: &str, place: Place, xml: bool) -> String {
        let mut out = Vec::new();
        put(raw.as_bytes(), place, Style { xml, ascii: false }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_has_one_reading() {
        let cases = [
            ("1 < 2 > 1 & <b>", "1 &lt; 2 &gt; 1 &amp; &lt;b&gt;"),
            ("&lt;b&gt &amp; &nGg; &nbsp; &#60;&#x3c&#106a", "&lt;b&gt; &amp; &nGg; &#160; &lt;&lt;ja"),
            ("a&bogus b", "a&amp;bogus b"),
            ("\u{1b}$B\u{0}x\ty", "$Bx\ty"),
            ("charset=utf-7 CHARSET = x", "charset&#61;utf-7 CHARSET &#61; x"),
            ("+ADw-p+AD4-", "&#43;ADw-p&#43;AD4-"),
            ("grün &uuml; \"q\"", "grün &#252; \"q\""),
            ("&copy=1 &copy2", "&#169;=1 &#169;2"),
        ];
        for (raw, expected) in cases {
            assert_eq!(written(raw, Place::Text, false), expected, "{raw}");
        }
        assert_eq!(
            written("?a=1&copy=2&amp;b=\"&#10;&quot;'&reg", Place::Value, false),
            "?a=1&amp;copy=2&amp;b=&quot; &quot;'&#174;"
        );
        assert_eq!(written("&hearts; &nbsp; &bogus;", Place::Text, true), "&#9829; &#160; &amp;bogus;");
        let mut out = Vec::new();
        put("é&eacute;".as_bytes(), Place::Text, Style { xml: false, ascii: true }, &mut out);
        assert_eq!(out, b"&#233;&#233;");
    }
}
