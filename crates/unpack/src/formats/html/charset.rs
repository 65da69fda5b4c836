//! HTML as UTF-8: by its byte order mark, where its zeros stand, or what a `meta` says.
//!
//! What a mail declares is undone before. Limit: [`HEAD`] is searched for the `meta`. Charsets in which
//! ASCII is ASCII are left as they are, but for text views that need letters: those stay approximate.

use std::borrow::Cow;

use mail::graph::{Encoding, Recode};
use mail::transfer;

use crate::bytes::between;

/// How much of a document is searched for its charset, in bytes.
const HEAD: usize = 4096;
/// Charsets that hide ASCII: by shifts, and by second bytes that are ASCII.
const SHIFTS: [&str; 7] = ["iso-2022", "shift", "sjis", "gbk", "gb18030", "big5", "euc"];

/// A text with its ASCII in ASCII, as its byte order mark and its zeros tell.
pub(crate) fn marked(data: &[u8]) -> Cow<'_, [u8]> {
    let recode = |how| Cow::Owned(transfer::decode_text(Encoding::Identity, how, data, usize::MAX).bytes);
    if data.starts_with(b"\xff\xfe") || data.starts_with(b"\xfe\xff") || is_wide(data) {
        return recode(Recode::Wide);
    }
    if data.starts_with(b"+/v") {
        return recode(Recode::Utf7);
    }
    Cow::Borrowed(data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data))
}

/// A document with its tags in ASCII.
pub fn plain(data: &[u8]) -> Cow<'_, [u8]> {
    let data = match marked(data) {
        Cow::Borrowed(data) => data,
        text @ Cow::Owned(_) => return text,
    };
    let recode = |how| Cow::Owned(transfer::decode_text(Encoding::Identity, how, data, usize::MAX).bytes);
    let head = between(data, 0, HEAD);
    match declared(head) {
        Some(name) if name.contains("utf-7") => recode(Recode::Utf7),
        // These hide ASCII: shifts, and second bytes that are ASCII.
        Some(name) if SHIFTS.iter().any(|known| name.starts_with(known)) => {
            Cow::Owned(mail::charset::to_text(data, Some(&name)).into_owned().into_bytes())
        }
        Some(name) if name.starts_with("iso-8859") || name.starts_with("windows-") => {
            if std::str::from_utf8(data).is_ok() {
                return Cow::Borrowed(data);
            }
            Cow::Owned(mail::charset::to_text(data, Some(&name)).into_owned().into_bytes())
        }
        _ => Cow::Borrowed(data),
    }
}

/// Where a document starts in which tags stand in ASCII and can be changed in their place: behind its byte
/// order mark. `None` where letters are hidden by the charset.
pub fn in_place(data: &[u8]) -> Option<usize> {
    let wide = data.starts_with(b"\xff\xfe") || data.starts_with(b"\xfe\xff") || is_wide(data);
    let lead = if data.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let rest = between(data, lead, data.len());
    let hides = |name: String| name.contains("utf-7") || SHIFTS.iter().any(|known| name.starts_with(known));
    let hidden = wide || rest.starts_with(b"+/v") || declared(between(rest, 0, HEAD)).is_some_and(hides);
    (!hidden).then_some(lead)
}

/// UTF-16 without a mark: a tag in it shows.
fn is_wide(data: &[u8]) -> bool {
    let lead = between(data, 0, 256);
    if memchr::memchr(0, lead).is_none() {
        return false;
    }
    let zeros = |at: usize| lead.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    let most = (lead.len() / 2).saturating_sub(lead.len() / 8);
    lead.len() >= 8 && (zeros(0) >= most) != (zeros(1) >= most)
}

/// What stands behind `charset=` in the head.
fn declared(head: &[u8]) -> Option<String> {
    let lower = head.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"charset")?;
    let rest = between(&lower, at.saturating_add(7), lower.len()).trim_ascii_start().strip_prefix(b"=")?;
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let length =
        rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':')).count();
    Some(String::from_utf8_lossy(between(rest, 0, length.min(40))).into_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_become_ascii_tags() {
        let wide = |text: &str, mark: bool| -> Vec<u8> {
            let mark = if mark { "\u{feff}" } else { "" };
            mark.chars().chain(text.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect()
        };
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (b"<p>x".to_vec(), "<p>x"),
            (b"\xef\xbb\xbf<p>".to_vec(), "<p>"),
            (wide("<p>some", true), "<p>some"),
            (wide("<script>x</script>", false), "<script>x</script>"),
            (b"<meta charset=utf-7>+ADw-p+AD4-".to_vec(), "<meta charset=utf-7><p>"),
            (
                b"<meta content=\"text/html; charset=ISO-8859-1\">\xe9".to_vec(),
                "<meta content=\"text/html; charset=ISO-8859-1\">é",
            ),
            (b"<meta charset=iso-2022-jp>\x1b$B$\"\x1b(B<b>".to_vec(), "<meta charset=iso-2022-jp>あ<b>"),
        ];
        for (raw, text) in cases {
            assert_eq!(String::from_utf8_lossy(&plain(&raw)), text);
        }
    }
}
