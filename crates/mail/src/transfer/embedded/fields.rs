//! What stands in a text behind fields of MIME. Few programs look for such fields there, and those know no
//! grammar: they search for words.
//!
//! Every line that names an encoding says how to read what follows the fields that it stands among, up to
//! the end of the text. What was decoded so, or begins like a header itself, is looked at once more. Of a text above
//! [`MAX_SEVERAL`] bytes only the first such line counts, of others the first [`MAX_NAMED`]. Linear time.

use super::{Block, MAX_NAME, line_at};
use crate::graph::Encoding;
use crate::span::Span;

/// The field that names an encoding, in lower case.
const ENCODING_FIELD: &[u8] = b"content-transfer-encoding";
/// Most lines of one text that name an encoding.
const MAX_NAMED: usize = 3;
/// Longest text of which more than one such line counts, in bytes.
const MAX_SEVERAL: usize = 64 * 1024;
/// In how many lines of a decoded text a header is looked for.
const MAX_HEADER_LINE: usize = 100;
/// How lines begin that programs take for the begin of a header, in lower case. Those of MIME come first: an
/// ordinary text has none.
const HEADER_STARTS: &[&[u8]] = &[b"content-", b"from", b"subject:", b"date:", b"received:"];

/// The encoding that a line of a text names for what follows it. Few clients look for such a line, and
/// those know no grammar: a blank is as good as the colon, and the word counts wherever it stands.
pub(crate) fn announced(line: &[u8]) -> Option<Encoding> {
    let (name, value) = line.split_at_checked(ENCODING_FIELD.len())?;
    let colon = matches!(value.first(), Some(b':' | b' ' | b'\t'));
    if !colon || !name.eq_ignore_ascii_case(ENCODING_FIELD) {
        return None;
    }
    let value = value.get(..MAX_NAME.min(value.len())).unwrap_or(value).to_ascii_lowercase();
    if memchr::memmem::find(&value, b"base64").is_some() {
        Some(Encoding::Base64)
    } else {
        memchr::memmem::find(&value, b"quoted-printable").map(|_| Encoding::QuotedPrintable)
    }
}

/// What stands behind each line that names an encoding, from the line at `from` on.
pub(super) fn behind_each(text: &[u8], from: usize) -> Vec<Block> {
    let mut out = Vec::new();
    let several = text.len() <= MAX_SEVERAL;
    let (mut at, mut named) = (from, 0);
    while at < text.len() && named < if several { MAX_NAMED } else { 1 } {
        let (line, next) = line_at(text, at);
        at = next;
        if let Some(encoding) = announced(line) {
            named += 1;
            let start = behind_fields(text, next);
            let block = |start: usize| Block { span: Span::new(start, text.len()), encoding, name: None };
            out.push(block(start));
            // To some a line that is no field belongs to the header, too.
            if several && let Some(behind) = behind_empty_line(text, next).filter(|behind| *behind > start) {
                out.push(block(behind));
            }
        }
    }
    out
}

/// Where the text begins behind the first empty line.
fn behind_empty_line(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < text.len() {
        let (line, next) = line_at(text, at);
        if line.is_empty() {
            return Some(next).filter(|next| *next < text.len());
        }
        at = next;
    }
    None
}

/// Whether a decoded text holds what [`find_inside`] finds.
pub(crate) fn is_inside(text: &[u8], any: bool) -> bool {
    !find_inside(text, any).is_empty()
}

/// Whether a line of a text begins like a field of MIME.
pub(super) fn is_mime(line: &[u8]) -> bool {
    line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))
}

/// What stands behind the first header in a decoded text: programs read it as a message if a few of its
/// lines look like one. It is as it stands, or in an encoding that the header names. `any`: the header may
/// begin with any field of mail, else with one of MIME.
pub(crate) fn find_inside(text: &[u8], any: bool) -> Vec<Block> {
    let known = HEADER_STARTS.get(..if any { HEADER_STARTS.len() } else { 1 }).unwrap_or(HEADER_STARTS);
    let mut at = 0;
    for _ in 0..MAX_HEADER_LINE {
        let (line, next) = line_at(text, at);
        let starts = |start: &&[u8]| line.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start));
        if known.iter().any(starts) {
            let behind = behind_fields(text, next);
            let mut lines = text.get(at..behind).unwrap_or(&[]).split(|byte| *byte == b'\n');
            let encoding = lines.find_map(announced).unwrap_or(Encoding::Identity);
            let rest = Block { span: Span::new(behind, text.len()), encoding, name: None };
            return if behind < text.len() { vec![rest] } else { Vec::new() };
        }
        at = next;
    }
    Vec::new()
}

/// Where what is no field begins, behind one empty line.
fn behind_fields(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < text.len() {
        let (line, next) = line_at(text, at);
        if line.is_empty() {
            return next;
        }
        let continues = matches!(line.first(), Some(b' ' | b'\t'));
        let colon = line.iter().position(|byte| *byte <= b' ' || *byte == b':');
        if !continues && colon.and_then(|at| line.get(at)) != Some(&b':') {
            return at;
        }
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str, blocks: &[Block]) -> Vec<(Encoding, String)> {
        let of = |block: &Block| String::from_utf8_lossy(block.span.of(text.as_bytes())).into_owned();
        blocks.iter().map(|block| (block.encoding, of(block))).collect()
    }

    #[test]
    fn what_stands_behind_fields_in_a_text_is_found() {
        const FIELD: &str = "Content-Transfer-Encoding: ";
        let (base64, quoted) = (Encoding::Base64, Encoding::QuotedPrintable);
        let cases: &[(String, Vec<(Encoding, &str)>)] = &[
            (format!("text\n{FIELD}base64\n\nQUJD"), vec![(base64, "QUJD")]),
            (format!("{FIELD}base64\nX: y\n z\nQUJD"), vec![(base64, "QUJD")]),
            (format!("{FIELD}base64\nno field\n\nQUJD"), vec![(base64, "no field\n\nQUJD"), (base64, "QUJD")]),
            (format!("{FIELD}7bit\n\nQUJD"), vec![]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(way, body)| (*way, (*body).to_owned())).collect();
            assert_eq!(spans(text, &behind_each(text.as_bytes(), 0)), expected, "{text}");
        }
        let inner = format!("{FIELD}base64\n\nQUJD");
        let text = format!("{FIELD}\"quoted-printable\"\n\n>\n{inner}");
        let expected = [(quoted, format!(">\n{inner}")), (base64, "QUJD".to_owned())];
        assert_eq!(spans(&text, &behind_each(text.as_bytes(), 0)), expected);
    }

    #[test]
    fn only_a_few_lines_that_name_an_encoding_count() {
        let line = "Content-Transfer-Encoding: base64\n\nQUJD\n";
        assert_eq!(behind_each(line.repeat(10).as_bytes(), 0).len(), MAX_NAMED);
        assert_eq!(behind_each(line.repeat(MAX_SEVERAL).as_bytes(), 0).len(), 1);
    }

    #[test]
    fn a_header_in_a_decoded_text_is_passed_over() {
        let cases = [
            ("hello\nContent-Type: a\n\nbody", Some((Encoding::Identity, "body"))),
            ("from l\n\nContent-Type: a\n\nbody", Some((Encoding::Identity, "body"))),
            ("Content-Type: a\nContent-Transfer-Encoding: base64\n\nQUJD", Some((Encoding::Base64, "QUJD"))),
            ("Content-Type: a\n\n", None),
            ("hello\n\nbody", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.into_iter().map(|(way, body)| (way, body.to_owned())).collect();
            assert_eq!(spans(text, &find_inside(text.as_bytes(), false)), expected, "{text}");
        }
        let text = "from l\n\nbody";
        assert_eq!(spans(text, &find_inside(text.as_bytes(), true)), [(Encoding::Identity, "body".to_owned())]);
        assert!(!is_inside(text.as_bytes(), false));
        let far = format!("{}Content-Type: a\n\nbody", "x\n".repeat(MAX_HEADER_LINE));
        assert!(find_inside(far.as_bytes(), true).is_empty());
    }
}
