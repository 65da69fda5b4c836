//! Strings of PDF as text: UTF-16 and UTF-8 by their marks, else PDFDocEncoding (ISO 32000-1, annex D).

use crate::bytes::between;

/// What PDFDocEncoding has at 0x80 to 0xa0, where ISO 8859-1 has control characters.
const UPPER: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\u{fffd}€";

/// A text string.
pub(super) fn text(raw: &[u8]) -> String {
    let wide = |raw: &[u8], order: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = raw.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(order).collect();
        String::from_utf16_lossy(&units)
    };
    match raw {
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => raw.iter().map(|byte| document_encoding(*byte)).collect(),
    }
}

/// Most scripts of one form.
const MAX_SCRIPTS: usize = 4096;

/// The scripts in a form of XML.
pub(super) fn scripts(xml: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = xml;
    while let Some(at) = memchr::memmem::find(rest, b"script").filter(|_| all.len() < MAX_SCRIPTS) {
        let opens = matches!(at.checked_sub(1).and_then(|at| rest.get(at)), Some(b'<' | b':'));
        rest = between(rest, at.saturating_add(6), rest.len());
        if !opens || !matches!(rest.first(), Some(b' ' | b'>' | b'\t' | b'\r' | b'\n')) {
            continue;
        }
        let Some(tag) = memchr::memchr(b'>', rest) else { break };
        let empty = tag.checked_sub(1).and_then(|at| rest.get(at)) == Some(&b'/');
        rest = between(rest, tag.saturating_add(1), rest.len());
        if empty {
            continue;
        }
        let end = memchr::memmem::find(rest, b"script>").unwrap_or(rest.len());
        let script = between(rest, 0, end);
        // The end tag's own start, with its prefix.
        let script = between(script, 0, memchr::memmem::rfind(script, b"</").unwrap_or(script.len()));
        let script = String::from_utf8_lossy(script);
        let script = script.trim().trim_start_matches("<![CDATA[").trim_end_matches("]]>");
        let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        let script = plain.iter().fold(script.to_owned(), |text, (entity, letter)| text.replace(entity, letter));
        all.push(script);
        rest = between(rest, end, rest.len());
    }
    all.retain(|script| !script.is_empty());
    all
}

/// Bytes in ISO 8859-1.
pub(super) fn latin(raw: &[u8]) -> String {
    raw.iter().map(|byte| char::from(*byte)).collect()
}

fn document_encoding(byte: u8) -> char {
    match byte {
        0x80..=0xa0 => UPPER.chars().nth(usize::from(byte & 0x7f)).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_by_their_marks() {
        let cases: [(&[u8], &str); 4] = [
            (b"\xfe\xff\0a\x20\xac", "a€"),
            (b"\xff\xfea\0", "a"),
            (b"\xef\xbb\xbf\xc3\xa9", "é"),
            (b"\xe9\xa0\x80\x9f", "é€•\u{fffd}"),
        ];
        for (raw, expected) in cases {
            assert_eq!(text(raw), expected);
        }
        assert_eq!(UPPER.chars().count(), 33);
    }
}
