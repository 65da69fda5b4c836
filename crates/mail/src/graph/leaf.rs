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

/// Watches the lines of a leaf that is not in base64.
#[derive(Default)]
pub(super) struct Watch {
    on: bool,
    /// It is in quoted-printable; `on` is not set.
    quoted: bool,
    /// The line before goes on in the next.
    soft: bool,
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
        let encoding = entity.map(|entity| entity.encoding);
        let on = matches!(encoding, Some(Encoding::Identity | Encoding::Unknown));
        Self { on, quoted: encoding == Some(Encoding::QuotedPrintable), ..Self::default() }
    }

    /// What the lines of a body in quoted-printable show.
    fn over_quoted(body: &[u8]) -> Self {
        let mut watch = Self { quoted: true, ..Self::default() };
        watch.look_back(body, Span::new(0, body.len()));
        watch
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
        } else if self.quoted && !self.file {
            let text = bytes.get(line.start..line.end).unwrap_or(&[]);
            self.file = !self.soft && embedded::may_begin_quoted(text);
            self.soft = embedded::is_soft(text);
        }
    }

    fn look_at(&mut self, bytes: &[u8], line: Line) {
        let text = bytes.get(line.start..line.end).unwrap_or(&[]);
        let dashes = self.dashes.take();
        match text.first() {
            Some(b'-') if text.starts_with(b"--") && text.len() > 2 => self.dashes = Some(line),
            Some(b'C' | b'c') if self.guess.is_none() || !self.file => {
                let is_mime = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
                self.file = self.file || embedded::announced(text).is_some();
                self.guess = self
                    .guess
                    .or(dashes.filter(|_| is_mime).map(|line| Span::new(line.start.saturating_add(2), line.end)));
            }
            _ => {}
        }
        self.file = self.file || embedded::may_begin(text);
    }
}

/// What to ask about a leaf with this body.
pub(super) fn asks(entity: &Entity, body: &[u8], watch: Watch) -> Vec<Ask> {
    let mut out = Vec::new();
    let mut needless = false;
    match entity.encoding {
        Encoding::Base64 if !transfer::is_clean_base64(body) => out.push(Ask::Damage),
        Encoding::QuotedPrintable => {
            let damaged;
            (damaged, needless) = transfer::escapes(body);
            out.extend(damaged.then_some(Ask::Damage));
        }
        _ => {}
    }
    if watch.on && watch.file {
        out.push(Ask::Files);
    }
    out.extend(watch.guess.map(Ask::Guess));
    if entity.encoding == Encoding::QuotedPrintable && transfer::holds_raw_bytes(body) {
        out.push(Ask::RawBytes);
    }
    if entity.media.starts_with("text/") {
        let encoded = match entity.encoding {
            Encoding::Base64 => true,
            // Nearly all need no second look.
            Encoding::QuotedPrintable => {
                let recode = charset::recoding(entity.charset.as_deref());
                let file = if watch.quoted { watch.file } else { Watch::over_quoted(body).file };
                entity.facet || recode != Recode::None || body.starts_with(b"=") || needless || file
            }
            _ => false,
        };
        let text = match encoded {
            true => Cow::Owned(transfer::decode(entity.encoding, body, body.len()).bytes),
            false => Cow::Borrowed(body),
        };
        let inside = || text.len() <= transfer::MAX_COMPARED && embedded::is_inside(&text, entity.facet);
        if encoded && (holds_file(&text) || inside()) {
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
        let line = text.get(line.start..line.end).unwrap_or(&[]);
        if embedded::may_begin(line) || embedded::announced(line).is_some() {
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
            // Where no charset is named, some look for one, and the escapes of this one tell it.
            let shifts = entity.charset.is_none() && shifted::tells_itself(text);
            mark.then_some(Recode::Wide).or(shifts.then_some(Recode::Iso2022Jp))
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

    /// Whether a text in quoted-printable is decoded to look for files.
    fn is_looked_into(text: &str) -> bool {
        Watch::over_quoted(text.as_bytes()).file || transfer::escapes(text.as_bytes()).1
    }

    #[test]
    fn the_quick_look_at_quoted_printable_misses_no_file() {
        let run = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB";
        let files = [
            "text\nbegin 644 a\n#0V%T\n".to_owned(),
            "text\nbe=\ngin 644 a\n".into(),
            "text\nb=\negin 644 a\n".into(),
            "text\n=62egin 644 a\n".into(),
            "text\nBEG=69n 644 a\n".into(),
            "text=0Abegin 644 a\n".into(),
            "=3Dybegin line=3D128 size=3D4 name=3Dc\n".into(),
            "see\ncontent-transfer-encoding: base64\n\nQUJD\n".into(),
            "(This file must be converted with BinHex 4.0)\n".into(),
            format!("see\n{run}\n"),
            format!("see\n{}=\n{}\n", &run[..10], &run[10..]),
        ];
        for text in &files {
            assert!(is_looked_into(text), "{text}");
        }
        for text in ["but caf=C3=A9 and =3D\nand so=\nbegin 644\n", "", "\n\n", "a line of words=\n that goes on=20\n"]
        {
            assert!(!is_looked_into(text), "{text}");
        }
    }

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
