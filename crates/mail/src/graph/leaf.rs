//! What the content of a leaf says about other readings: files and structure in a text, damage of its
//! encoding, charsets in which ASCII does not stand as it looks; and what stands outside of parts.

use std::borrow::Cow;

use super::lines::{Line, Lines};
use super::readings::Ask;
use super::{Encoding, Entity, Recode};
use crate::charset;
use crate::shifted;
use crate::span::Span;
use crate::transfer::{self, embedded};

/// What stands in front of parts in ordinary mail says that the mail is MIME.
const MAX_USUAL: usize = 600;
/// Marks of content, in lower case.
const MARKS: &[&[u8]] =
    &[b"content-", b"<html", b"<body", b"<script", b"<iframe", b"<form", b"<img", b"href=", b"<svg", b"<object"];

/// Watches the lines of a leaf that is not encoded.
#[derive(Default)]
pub(super) struct Watch {
    on: bool,
    /// A file may begin in it.
    file: bool,
    /// The last line that might be a delimiter.
    dashes: Option<Line>,
    /// The first delimiter with a field of MIME behind it, without its dashes.
    guess: Option<Span>,
}

impl Watch {
    /// For a leaf with this header.
    pub(super) fn new(entity: Option<&mut Entity>) -> Self {
        let on = entity.is_some_and(|entity| matches!(entity.encoding, Encoding::Identity | Encoding::Unknown));
        Self { on, ..Self::default() }
    }

    /// What the lines of a body show.
    pub(super) fn over(bytes: &[u8], body: Span) -> Self {
        let mut watch = Self { on: true, ..Self::default() };
        watch.look_back(bytes, body);
        watch
    }

    /// Lines that were passed before it was known that they belong to the body.
    pub(super) fn look_back(&mut self, bytes: &[u8], span: Span) {
        let mut lines = Lines::new(bytes.get(..span.end as usize).unwrap_or(bytes), span.start as usize);
        while let Some(line) = lines.next() {
            self.look(bytes, line);
        }
    }

    /// One line.
    #[inline]
    pub(super) fn look(&mut self, bytes: &[u8], line: Line) {
        if self.on {
            self.look_at(bytes, line);
        }
    }

    fn look_at(&mut self, bytes: &[u8], line: Line) {
        let text = bytes.get(line.start..line.end).unwrap_or(&[]);
        let dashes = self.dashes.take();
        match text.first() {
            Some(b'-') if text.starts_with(b"--") && text.len() > 2 => self.dashes = Some(line),
            Some(b'C' | b'c') if self.guess.is_none() => {
                let is_mime = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
                self.guess = dashes.filter(|_| is_mime).map(|line| Span::new(line.start.saturating_add(2), line.end));
            }
            _ => {}
        }
        self.file = self.file || embedded::may_begin(text);
    }
}

/// What to ask about a leaf with this body.
pub(super) fn asks(entity: &Entity, body: &[u8], watch: Watch) -> Vec<Ask> {
    let mut out = Vec::new();
    match entity.encoding {
        Encoding::Base64 if !transfer::is_clean_base64(body) => out.push(Ask::Damage),
        Encoding::QuotedPrintable if transfer::is_damaged_quoted_printable(body) => out.push(Ask::Damage),
        _ => {}
    }
    if watch.file {
        out.push(Ask::Files);
    }
    out.extend(watch.guess.map(Ask::Guess));
    if entity.encoding == Encoding::QuotedPrintable && transfer::holds_raw_bytes(body) {
        out.push(Ask::RawBytes);
    }
    if entity.media.starts_with("text/") {
        let text = match entity.encoding {
            encoding @ (Encoding::Base64 | Encoding::QuotedPrintable) => {
                Cow::Owned(transfer::decode(encoding, body, body.len()).bytes)
            }
            _ => Cow::Borrowed(body),
        };
        if matches!(text, Cow::Owned(_)) && holds_file(&text) {
            out.push(Ask::EncodedFiles);
        }
        out.extend(charset_of(entity, &text).map(Ask::Charset));
    }
    out
}

/// Whether a file may begin in a text.
fn holds_file(text: &[u8]) -> bool {
    let mut lines = Lines::new(text, 0);
    while let Some(line) = lines.next() {
        if embedded::may_begin(text.get(line.start..line.end).unwrap_or(&[])) {
            return true;
        }
    }
    false
}

/// How a text is to become UTF-8, if it is not as it stands.
fn charset_of(entity: &Entity, text: &[u8]) -> Option<Recode> {
    match charset::recoding(entity.charset.as_deref()) {
        Recode::None => {
            let mark = matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 0, 0xfe, 0xff, ..]);
            mark.then_some(Recode::Wide)
        }
        recode @ (Recode::Utf7 | Recode::Wide) => Some(recode),
        recode => shifted::switches(recode, text).then_some(recode),
    }
}

/// What stands outside of the parts of a multipart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outside {
    /// Nothing, or the usual words for readers that know no MIME.
    Nothing,
    /// Text.
    Text,
    /// What may be more than text.
    Content,
}

/// Judges a preamble or epilogue.
pub(super) fn outside(text: &[u8]) -> Outside {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Outside::Nothing;
    }
    let lower = text.to_ascii_lowercase();
    let has = |what: &[u8]| memchr::memmem::find(&lower, what).is_some();
    let file = text.split(|byte| *byte == b'\n').any(|line| embedded::may_begin(line.trim_ascii_end()));
    let control = text.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n'));
    if file || control || MARKS.iter().any(|mark| has(mark)) {
        return Outside::Content;
    }
    let usual = has(b"mime") || has(b"multi-part") || has(b"multipart");
    if usual && text.len() <= MAX_USUAL && !has(b"<") { Outside::Nothing } else { Outside::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_preambles_are_told_from_content() {
        let cases = [
            ("\r\nThis is a multi-part message in MIME format.\r\n", Outside::Nothing),
            ("  \r\n", Outside::Nothing),
            ("_____\r\nlist mailing list\r\nhttp://lists.example.org/\r\n", Outside::Text),
            ("<html><script>", Outside::Content),
            ("Content-Type: text/html\r\n\r\nx", Outside::Content),
            ("begin 644 a.exe\r\n", Outside::Content),
            ("MIME \u{1}", Outside::Content),
        ];
        for (text, expected) in cases {
            assert_eq!(outside(text.as_bytes()), expected, "{text}");
        }
    }
}
