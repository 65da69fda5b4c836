//! Splitting an mbox into its messages, as a stream.
//!
//! A message begins at a line `From … hh:mm … yyyy` that stands at the start or after an empty line.
//! Its bytes are scanned as they stand in the file: `>From ` is not turned back into `From `, and
//! the empty line in front of the next message belongs to the one before. Not handled: mailboxes
//! that are split by `Content-Length` (mboxcl2), whose programs may see other messages.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use service::spool::{Spool, Spooler};

use super::content::{add, spooler};

/// Longest piece of a line that is held, in bytes.
const PIECE: u64 = 64 * 1024;
/// Longest `From ` line that is believed, in bytes.
const MAX_FROM: usize = 1000;

/// Whether a file begins like an mbox: such a line, then a header field.
pub(crate) fn is_mbox(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| *byte == b'\n');
    let from = lines.next().is_some_and(is_from_line);
    from && lines.next().is_some_and(is_field)
}

/// Whether a line begins a message: `From `, somewhere a time of day, and a year.
fn is_from_line(line: &[u8]) -> bool {
    if !line.starts_with(b"From ") || line.len() > MAX_FROM {
        return false;
    }
    let words = || line.split(|byte| byte.is_ascii_whitespace());
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let time = |word: &[u8]| {
        let mut parts = word.split(|byte| *byte == b':');
        matches!((parts.next(), parts.next()), (Some(hour), Some(minute))
            if digits(hour) && hour.len() <= 2 && digits(minute) && minute.len() == 2)
    };
    words().any(time) && words().any(|word| word.len() == 4 && digits(word))
}

/// Whether a line is a header field, or a `From ` line that was quoted into the header.
fn is_field(line: &[u8]) -> bool {
    if line.starts_with(b">From ") {
        return true;
    }
    let name = line.iter().take_while(|byte| byte.is_ascii_graphic() && **byte != b':').count();
    name > 0 && line.get(name) == Some(&b':')
}

/// A message that is being read.
struct Open {
    spooler: Spooler,
    /// Why it will not be scanned.
    error: Option<String>,
}

impl Open {
    fn end(self) -> Result<Spool, String> {
        self.error.map_or_else(|| Ok(self.spooler.finish()), Err)
    }
}

/// Gives the messages in order, numbered from 1, until `give` says `false`. What cannot be read any
/// more ends the last message with an error.
pub(crate) fn split(from: impl Read, dir: &Path, give: &mut dyn FnMut(u64, Result<Spool, String>) -> bool) {
    let mut reader = BufReader::with_capacity(PIECE as usize, from);
    let mut piece = Vec::new();
    let mut open: Option<Open> = None;
    let mut index = 0;
    // The piece starts a line; the line before was empty.
    let (mut line_start, mut after_empty) = (true, true);
    loop {
        piece.clear();
        let read = (&mut reader).take(PIECE).read_until(b'\n', &mut piece);
        let ended = match &read {
            Ok(length) => *length == 0,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => false,
            Err(_) => true,
        };
        if ended {
            break finish(open, index, read.err(), give);
        }
        if line_start && after_empty && is_from_line(&piece) {
            if let Some(done) = open.take() {
                index += 1;
                if !give(index, done.end()) {
                    return;
                }
            }
            open = Some(Open { spooler: spooler(dir), error: None });
        } else if let Some(message) = open.as_mut().filter(|message| message.error.is_none()) {
            message.error = add(&mut message.spooler, &piece, dir).err();
        }
        after_empty = line_start && matches!(piece.as_slice(), b"\n" | b"\r\n");
        line_start = piece.ends_with(b"\n");
    }
}

/// The last message.
fn finish(
    open: Option<Open>,
    index: u64,
    error: Option<io::Error>,
    give: &mut dyn FnMut(u64, Result<Spool, String>) -> bool,
) {
    let failed = error.map(|error| format!("cannot be read to its end: {error}"));
    match (open, failed) {
        (Some(open), None) => give(index + 1, open.end()),
        (_, Some(why)) => give(index + 1, Err(why)),
        (None, None) => true,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &[u8]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        split(text, dir.path(), &mut |index, spool| {
            assert_eq!(index as usize, out.len() + 1);
            out.push(String::from_utf8(spool.unwrap().bytes().unwrap().to_vec()).unwrap());
            true
        });
        out
    }

    const FROM: &str = "From alice@example.org Fri Nov 21 18:00:00 2025\n";

    #[test]
    fn a_mailbox_is_split_at_its_from_lines_and_nothing_is_unquoted() {
        let text = format!("{FROM}Subject: a\n\none\n>From x\n\n{FROM}Subject: b\n\ntwo\n");
        assert_eq!(messages(text.as_bytes()), ["Subject: a\n\none\n>From x\n\n", "Subject: b\n\ntwo\n"]);
    }

    #[test]
    fn what_only_looks_a_little_like_a_from_line_splits_nothing() {
        let inner = format!("body\n{FROM}\nFrom now on, all is well.\n\nFrom 2025 on\n\n From a 18:00 2025\n");
        let text = format!("{FROM}Subject: a\n\n{inner}");
        assert_eq!(messages(text.as_bytes()), [format!("Subject: a\n\n{inner}")]);
    }

    #[test]
    fn crlf_long_lines_and_empty_messages_are_kept_as_they_are() {
        let from = FROM.replace('\n', "\r\n");
        let long = "x".repeat(3 * PIECE as usize);
        let text = format!("{from}A: b\r\n\r\n{long}\r\n\r\n{from}\r\n{from}C: d\r\n");
        assert_eq!(
            messages(text.as_bytes()),
            [format!("A: b\r\n\r\n{long}\r\n\r\n"), "\r\n".into(), "C: d\r\n".into()]
        );
    }

    #[test]
    fn a_from_line_is_not_found_inside_a_long_line() {
        let filler = "x".repeat(PIECE as usize);
        let text = format!("{FROM}A: b\n\n{filler}{FROM}end\n");
        assert_eq!(messages(text.as_bytes()).len(), 1);
    }

    #[test]
    fn reading_stops_when_nobody_wants_more() {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("{FROM}A: b\n\n").repeat(10);
        let mut given = 0;
        split(text.as_bytes(), dir.path(), &mut |_, _| {
            given += 1;
            given < 3
        });
        assert_eq!(given, 3);
    }

    #[test]
    fn a_reading_error_is_told_of_the_message_it_hits() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let text = format!("{FROM}A: b\n\n{FROM}C: d\n");
        let mut seen = Vec::new();
        split(text.as_bytes().chain(Broken), dir.path(), &mut |index, spool| {
            seen.push((index, spool.map(|s| s.len())));
            true
        });
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0], (1, Ok(6)));
        assert!(seen[1].1.as_ref().is_err_and(|why| why.contains("the disk is gone")));
    }

    #[test]
    fn mailboxes_are_known_by_their_first_two_lines() {
        let cases = [
            (format!("{FROM}Subject: a\n"), true),
            (format!("{FROM}>From x\nSubject: a\n"), true),
            (format!("{FROM}no header here\n"), false),
            ("From me to you\nSubject: a\n".to_owned(), false),
            ("Subject: a\n".to_owned(), false),
            (String::new(), false),
        ];
        for (text, mbox) in cases {
            assert_eq!(is_mbox(text.as_bytes()), mbox, "{text:?}");
        }
    }
}
