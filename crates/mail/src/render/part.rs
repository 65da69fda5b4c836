//! A new part as header and body.

use crate::carried::Carried;
use crate::edit::NewPart;
use crate::transfer::{self, MAX_ENCODED_LINE};

/// Longest file name that is written, in bytes.
const MAX_NAME: usize = 255;
/// Bytes of a name in one RFC 2231 piece; each may become three.
const PIECE: usize = 18;

/// A part as it will stand in the message.
pub(super) struct Written {
    /// Its header fields, without the empty line.
    pub(super) header: Vec<u8>,
    /// Its body, without a final line end of ours.
    pub(super) body: Vec<u8>,
}

impl Written {
    /// Writes a part: text that is short-lined ASCII as it is, other text as quoted-printable,
    /// everything else as base64. No line of it can be a delimiter. `carried`: what stays of an old header.
    pub(super) fn new(part: &NewPart, carried: &Carried, line_end: &[u8]) -> Self {
        let (name, charset) = charset(&part.media);
        let is_text = (part.charset_utf8 || charset.is_some()) && name.starts_with("text/");
        let (encoding, body) = if is_text && is_plain(&part.body) {
            ("7bit", lines(&part.body, line_end))
        } else if is_text && is_worth_quoting(&part.body) {
            ("quoted-printable", transfer::encode_quoted_printable(&part.body, line_end))
        } else {
            ("base64", transfer::encode_base64(&part.body, line_end))
        };
        let mut header = Vec::new();
        let mut put = |text: &str| header.extend_from_slice(text.as_bytes());
        let end = std::str::from_utf8(line_end).unwrap_or("\r\n");
        put(&format!("Content-Type: {}", media(name)));
        match charset {
            _ if part.charset_utf8 => put("; charset=utf-8"),
            Some(charset) => put(&format!("; charset={charset}")),
            None => {}
        }
        put(&carried.of_type);
        put(&format!("{end}Content-Transfer-Encoding: {encoding}{end}"));
        for field in &carried.fields {
            put(&format!("{field}{end}"));
        }
        put(&format!("Content-Disposition: {}", if part.attachment { "attachment" } else { "inline" }));
        if let Some(name) = &part.name {
            put(&file_name(name, end));
        }
        put(&carried.of_disposition);
        put(end);
        Self { header, body }
    }
}

/// A media type and the charset behind it, if that is a short token.
fn charset(media: &str) -> (&str, Option<&str>) {
    let Some((media, rest)) = media.split_once(';') else { return (media, None) };
    let name = rest.trim().strip_prefix("charset=").filter(|name| {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte);
        !name.is_empty() && name.len() <= 40 && name.bytes().all(token)
    });
    (media.trim_end(), name)
}

/// Whether the text can stand as it is.
pub(crate) fn is_plain(body: &[u8]) -> bool {
    let printable = body.iter().all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | 32..=126));
    printable
        && !has_bare_cr(body)
        && body.split(|byte| *byte == b'\n').all(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let safe = !line.starts_with(b"--") && !line.starts_with(b"From ") && !line.starts_with(b".");
            safe && line.len() <= MAX_ENCODED_LINE && !line.ends_with(b" ")
        })
}

/// Whether quoted-printable is shorter than base64: at most a sixth of the bytes need an escape. A
/// bare CR would not survive it.
fn is_worth_quoting(body: &[u8]) -> bool {
    let odd = body.iter().filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n' | 32..=126)).count();
    odd <= body.len() / 6 && !has_bare_cr(body)
}

/// Whether a CR stands without its LF.
fn has_bare_cr(body: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', body).any(|at| body.get(at.saturating_add(1)) != Some(&b'\n'))
}

/// The text with our line end.
fn lines(body: &[u8], line_end: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> =
        body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    lines.join(line_end)
}

/// Whether a name of a type or parameter may have this byte (RFC 6838 section 4.2).
pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte)
}

/// A media type that is safe to write.
pub(crate) fn media(media: &str) -> &str {
    let is_token = |half: &str| !half.is_empty() && half.bytes().all(is_name_byte);
    match media.split_once('/') {
        Some((main, sub)) if is_token(main) && is_token(sub) && main != "multipart" && media.len() <= 60 => media,
        _ => "application/octet-stream",
    }
}

/// The filename parameter: quoted where it can be, else in RFC 2231 pieces. Controls become `_`.
pub(crate) fn file_name(name: &str, end: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    let name = name.get(..name.floor_char_boundary(MAX_NAME)).unwrap_or("");
    let quotable = name.len() <= 60 && name.bytes().all(|byte| matches!(byte, 32..=126) && !b"\"\\".contains(&byte));
    if quotable && !name.contains("=?") {
        return format!(";{end} filename=\"{name}\"");
    }
    let mut out = String::new();
    for (n, piece) in name.as_bytes().chunks(PIECE).enumerate() {
        let charset = if n == 0 { "utf-8''" } else { "" };
        out.push_str(&format!(";{end} filename*{n}*={charset}"));
        for byte in piece {
            if byte.is_ascii_alphanumeric() || b"-._".contains(byte) {
                out.push(char::from(*byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Structured;

    #[test]
    fn names_read_back() {
        for name in ["a.txt", "my file.doc", "ü.exe", "say \"x\".txt", &"long".repeat(40), "=?utf-8?Q?x?="] {
            let field = format!("attachment{}", file_name(name, "\r\n"));
            assert_eq!(Structured::parse(field.as_bytes()).texts("filename"), [name], "{field}");
            assert!(field.lines().all(|line| line.len() <= 78), "{field}");
        }
        assert!(!file_name("a\r\nb", "\r\n").contains("a\r\nb"));
    }

    #[test]
    fn unsafe_media_types_are_not_written() {
        for bad in ["", "text", "a/b\r\nX: y", "multipart/mixed", "a b/c"] {
            assert_eq!(media(bad), "application/octet-stream", "{bad:?}");
        }
        assert_eq!(media("text/html"), "text/html");
    }
}
