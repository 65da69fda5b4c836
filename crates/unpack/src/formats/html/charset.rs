//! HTML as UTF-8: by its byte order mark, where its zeros stand, or what a `meta` says.
//!
//! What a mail declares is undone before. Programs differ about which mention of a charset counts, so that
//! [`readings`] gives the document by each that hides ASCII, as it stands, and without its zeros. Limits:
//! [`HEAD`] is searched, and [`MAX_NAMES`] charsets are taken. Charsets in which ASCII is ASCII are left as
//! they are, but for text views that need letters: those stay approximate.

use std::borrow::Cow;

use mail::graph::{Encoding, Recode};
use mail::transfer;

use crate::bytes::between;
use crate::views::html::{Mode, Token, Tokens};

/// How much of a document is searched for its charset, in bytes.
const HEAD: usize = 4096;
/// Most charsets that are read for a document that mentions several which hide ASCII.
const MAX_NAMES: usize = 3;
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
pub(crate) fn plain(data: &[u8]) -> Cow<'_, [u8]> {
    let data = match marked(data) {
        Cow::Borrowed(data) => data,
        text @ Cow::Owned(_) => return text,
    };
    match declared(between(data, 0, HEAD)).into_iter().next() {
        Some(name) if hides(&name) => Cow::Owned(by_name(data, &name)),
        Some(name) if name.starts_with("iso-8859") || name.starts_with("windows-") => {
            if std::str::from_utf8(data).is_ok() {
                return Cow::Borrowed(data);
            }
            Cow::Owned(mail::charset::to_text(data, Some(&name)).into_owned().into_bytes())
        }
        _ => Cow::Borrowed(data),
    }
}

/// Whether ASCII is not ASCII in a charset.
fn hides(name: &str) -> bool {
    name.contains("utf-7") || SHIFTS.iter().any(|known| name.starts_with(known))
}

/// A document in a charset that hides ASCII.
fn by_name(data: &[u8], name: &str) -> Vec<u8> {
    if name.contains("utf-7") {
        return transfer::decode_text(Encoding::Identity, Recode::Utf7, data, usize::MAX).bytes;
    }
    mail::charset::to_text(data, Some(name)).into_owned().into_bytes()
}

/// A document in every way in which its tags may stand, each once; the first one is [`plain`].
pub(crate) fn readings(data: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut all = vec![plain(data)];
    let mut add = |text: Cow<'_, [u8]>| {
        if !all.contains(&text) {
            all.push(Cow::Owned(text.into_owned()));
        }
    };
    // A byte order mark leaves no choice.
    let is_marked = [&b"\xff\xfe"[..], b"\xfe\xff", b"\xef\xbb\xbf"].iter().any(|mark| data.starts_with(mark));
    if !is_marked {
        let names: Vec<String> = declared(between(data, 0, HEAD)).into_iter().filter(|name| hides(name)).collect();
        for name in names.iter().take(MAX_NAMES) {
            add(Cow::Owned(by_name(data, name)));
        }
        if !names.is_empty() || is_wide(data) || data.starts_with(b"+/v") {
            add(Cow::Borrowed(data));
        }
    }
    let wide = data.starts_with(b"\xff\xfe") || data.starts_with(b"\xfe\xff");
    if !wide && memchr::memchr(0, data).is_some() {
        // Some programs read over zeros.
        add(Cow::Owned(data.iter().copied().filter(|byte| *byte != 0).collect()));
    }
    all
}

/// A document as the standard reads it: without its byte order mark, and whether it is UTF-8 now because it was
/// in a charset that hides ASCII. UTF-7 is none to the standard, and stays.
pub fn standard(data: &[u8]) -> (Cow<'_, [u8]>, bool) {
    if data.starts_with(b"\xff\xfe") || data.starts_with(b"\xfe\xff") || is_wide(data) {
        return (marked(data), true);
    }
    if let Some(data) = data.strip_prefix(b"\xef\xbb\xbf") {
        return (Cow::Borrowed(data), false);
    }
    match meta(between(data, 0, HEAD)).filter(|name| hides(name) && !name.contains("utf-7")) {
        Some(name) => (Cow::Owned(by_name(data, &name)), true),
        None => (Cow::Borrowed(data), false),
    }
}

/// The charset of the first `meta` that names one.
fn meta(head: &[u8]) -> Option<String> {
    let mut tokens = Tokens::with_mode(head, false, Mode::STANDARD);
    while let Some(token) = tokens.next() {
        if matches!(token, Token::Start(name) if name.eq_ignore_ascii_case(b"meta")) {
            let named = |(key, value): &(&[u8], &[u8])| {
                let whole = key.eq_ignore_ascii_case(b"charset");
                let value = if whole { [b"charset=", *value].concat() } else { value.to_vec() };
                Some(value).filter(|_| whole || key.eq_ignore_ascii_case(b"content"))
            };
            let found =
                tokens.attributes().iter().filter_map(named).find_map(|value| declared(&value).into_iter().next());
            if found.is_some() {
                return found;
            }
        }
    }
    None
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

/// What stands behind each `charset=` in the head, comments included: which one counts is what programs
/// differ about.
fn declared(head: &[u8]) -> Vec<String> {
    let lower = head.to_ascii_lowercase();
    let mut names: Vec<String> = Vec::new();
    for at in memchr::memmem::find_iter(&lower, b"charset") {
        let rest = between(&lower, at.saturating_add(7), lower.len()).trim_ascii_start();
        let Some(rest) = rest.strip_prefix(b"=").map(<[u8]>::trim_ascii_start) else { continue };
        let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
        let length =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':')).count();
        let name = String::from_utf8_lossy(between(rest, 0, length.min(40))).into_owned();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_program_may_see_is_a_reading() {
        let script = "<script>x</script>";
        let hidden = script.replace('<', "+ADw-").replace('>', "+AD4-");
        let zeros: String = script.chars().flat_map(|letter| [letter, '\0']).collect();
        let cases = [
            (format!("<!-- charset=iso-2022-jp --><meta charset=utf-8>\x1b$B{script}\x1b(B"), 2),
            (format!("<!-- charset=iso-8859-1 --><meta charset=utf-7>{hidden}"), 2),
            (format!("<meta charset=\"shift_jis\"><!-- charset=utf-7 -->{hidden}"), 2),
            (format!("<p>{zeros}"), 2),
            (format!("{}{script}", "a\0".repeat(200)), 2),
            (script.to_owned(), 1),
            (format!("<meta charset=utf-8>{script}"), 1),
            (format!("\u{feff}<meta charset=utf-7>{script}"), 1),
        ];
        for (document, least) in cases {
            let all = readings(document.as_bytes());
            assert!(all.len() >= least && all.len() <= MAX_NAMES + 3, "{document:?}: {}", all.len());
            let seen = all.iter().any(|text| memchr::memmem::find(text, script.as_bytes()).is_some());
            assert!(seen, "{document:?}");
            if least == 1 {
                assert_eq!(all.len(), 1, "{document:?}");
            }
        }
    }

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
