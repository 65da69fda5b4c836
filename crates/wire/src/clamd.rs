//! The client side of clamd's protocol: commands to send, replies to read.
//!
//! Only commands with the `z` prefix are built, one per connection: clamd answers the first and closes. Limits: a
//! reply has at most [`REPLY_MAX`] bytes, a name [`NAME_MAX`]; a chunk at most [`CHUNK_MAX`]. Not handled: sessions
//! (IDSESSION), path commands, ALLMATCHSCAN (several answers to one command). `zFILDES` needs the descriptor sent
//! with the byte after it (SCM_RIGHTS), which is the caller's part.

use crate::text::printable;

/// Longest reply, terminator counted, in bytes.
pub const REPLY_MAX: usize = 4096;
/// Longest name or error text kept, in bytes.
pub const NAME_MAX: usize = 256;
/// Most bytes in one chunk of an INSTREAM, far below clamd's limit.
pub const CHUNK_MAX: usize = 1 << 20;

/// Starts a stream; chunks and [`STREAM_END`] follow.
pub const INSTREAM: &[u8] = b"zINSTREAM\0";
/// Ends a stream: a chunk of no bytes.
pub const STREAM_END: &[u8] = &[0; 4];
/// Announces a file descriptor, which goes over the UNIX socket with the next byte.
pub const FILDES: &[u8] = b"zFILDES\0";
/// Asks whether clamd is there.
pub const PING: &[u8] = b"zPING\0";
/// Asks for version, database version and database date.
pub const VERSION: &[u8] = b"zVERSION\0";

/// Appends `data` to `out` as INSTREAM chunks of at most [`CHUNK_MAX`] bytes; nothing for no data (that would end it).
pub fn chunks(data: &[u8], out: &mut Vec<u8>) {
    for chunk in data.chunks(CHUNK_MAX) {
        let length = u32::try_from(chunk.len()).unwrap_or(0);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(chunk);
    }
}

/// What clamd says about what it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClamdReply {
    /// Nothing found.
    Clean,
    /// Found: the signature's name, printable ASCII.
    Found(String),
    /// More bytes than clamd's StreamMaxLength.
    TooLarge,
    /// clamd could not look: its words, printable ASCII.
    Error(String),
}

/// Why a reply cannot be used. Each means: not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClamdFault {
    /// More than [`REPLY_MAX`] bytes without a terminator.
    TooLong,
    /// The connection ended before the terminator.
    Truncated,
    /// Bytes after the terminator.
    Trailing,
    /// Not a form that clamd uses.
    Malformed,
}

/// Collects one NUL-terminated reply.
#[derive(Default)]
pub struct ReplyReader {
    bytes: Vec<u8>,
    done: bool,
    fault: Option<ClamdFault>,
}

impl ReplyReader {
    /// Reads on. `Ok(true)` when the reply is complete.
    pub fn push(&mut self, input: &[u8]) -> Result<bool, ClamdFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let room = REPLY_MAX.saturating_sub(self.bytes.len());
        for &byte in input.iter().take(room.saturating_add(1)) {
            if self.done {
                return self.fail(ClamdFault::Trailing);
            }
            if byte == 0 {
                self.done = true;
            } else if self.bytes.len().saturating_add(1) >= REPLY_MAX {
                return self.fail(ClamdFault::TooLong);
            } else {
                self.bytes.push(byte);
            }
        }
        Ok(self.done)
    }

    /// The reply without its terminator, once complete.
    pub fn reply(&self) -> Result<&[u8], ClamdFault> {
        match (self.fault, self.done) {
            (Some(fault), _) => Err(fault),
            (None, true) => Ok(&self.bytes),
            (None, false) => Err(ClamdFault::Truncated),
        }
    }

    fn fail(&mut self, fault: ClamdFault) -> Result<bool, ClamdFault> {
        self.fault = Some(fault);
        Err(fault)
    }
}

/// Reads the answer to a scan (INSTREAM or FILDES), without its terminator.
pub fn parse_scan(reply: &[u8]) -> Result<ClamdReply, ClamdFault> {
    let text = String::from_utf8_lossy(reply);
    let text = text.as_ref();
    if text == "INSTREAM size limit exceeded. ERROR" {
        return Ok(ClamdReply::TooLarge);
    }
    if text == "UNKNOWN COMMAND" {
        return Ok(ClamdReply::Error(text.to_owned()));
    }
    if let Some(words) = text.strip_suffix(" ERROR") {
        return Ok(ClamdReply::Error(bounded(words)));
    }
    let (subject, result) = text.split_once(": ").ok_or(ClamdFault::Malformed)?;
    if !is_subject(subject) {
        return Err(ClamdFault::Malformed);
    }
    if result == "OK" {
        return Ok(ClamdReply::Clean);
    }
    match result.strip_suffix(" FOUND") {
        Some(name) if !name.is_empty() => Ok(ClamdReply::Found(bounded(name))),
        _ => Err(ClamdFault::Malformed),
    }
}

/// Reads the answer to [`PING`].
pub fn parse_ping(reply: &[u8]) -> Result<(), ClamdFault> {
    if reply == b"PONG" { Ok(()) } else { Err(ClamdFault::Malformed) }
}

/// Reads the answer to [`VERSION`]: one line of printable ASCII.
pub fn parse_version(reply: &[u8]) -> Result<String, ClamdFault> {
    if reply.starts_with(b"ClamAV ") { Ok(bounded_bytes(reply)) } else { Err(ClamdFault::Malformed) }
}

/// `stream`, or `fd[` digits `]`.
fn is_subject(subject: &str) -> bool {
    let number = subject.strip_prefix("fd[").and_then(|s| s.strip_suffix(']'));
    subject == "stream" || number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn bounded(text: &str) -> String {
    bounded_bytes(text.as_bytes())
}

fn bounded_bytes(bytes: &[u8]) -> String {
    printable(bytes.get(..NAME_MAX).unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_carry_their_length_and_never_end_the_stream_early() {
        let mut out = Vec::new();
        chunks(b"", &mut out);
        assert_eq!(out, b"");
        chunks(b"abc", &mut out);
        assert_eq!(out, b"\0\0\0\x03abc");
        out.clear();
        chunks(&vec![b'x'; CHUNK_MAX + 1], &mut out);
        assert_eq!(out.len(), CHUNK_MAX + 1 + 8);
        assert_eq!(out[..4], [0, 0x10, 0, 0]);
        assert_eq!(out[4 + CHUNK_MAX..], [0, 0, 0, 1, b'x']);
    }

    #[test]
    fn scan_replies_are_read_by_their_exact_form() {
        let found = |s: &str| Ok(ClamdReply::Found(s.to_owned()));
        let error = |s: &str| Ok(ClamdReply::Error(s.to_owned()));
        let cases: &[(&[u8], Result<ClamdReply, ClamdFault>)] = &[
            (b"stream: OK", Ok(ClamdReply::Clean)),
            (b"fd[12]: OK", Ok(ClamdReply::Clean)),
            (b"stream: Win.Test.EICAR_HDB-1 FOUND", found("Win.Test.EICAR_HDB-1")),
            (b"fd[9]: A.B(44d8:68) FOUND", found("A.B(44d8:68)")),
            (b"stream: two words FOUND", found("two words")),
            (b"INSTREAM size limit exceeded. ERROR", Ok(ClamdReply::TooLarge)),
            (b"stream: Can't open ERROR", error("stream: Can't open")),
            (b"UNKNOWN COMMAND", error("UNKNOWN COMMAND")),
            (b"", Err(ClamdFault::Malformed)),
            (b"OK", Err(ClamdFault::Malformed)),
            (b"stream:  FOUND", Err(ClamdFault::Malformed)),
            (b"stream: ok", Err(ClamdFault::Malformed)),
            (b"/etc/passwd: OK", Err(ClamdFault::Malformed)),
            (b"fd[]: OK", Err(ClamdFault::Malformed)),
            (b"fd[x]: OK", Err(ClamdFault::Malformed)),
            (b"stream: a\xff FOUND", found("a???")),
            (b"stream: a\x1b[31m FOUND", found("a?[31m")),
        ];
        for (input, expected) in cases {
            assert_eq!(parse_scan(input), *expected, "{:?}", String::from_utf8_lossy(input));
        }
        let long = format!("stream: {} FOUND", "n".repeat(3000));
        assert_eq!(parse_scan(long.as_bytes()), found(&"n".repeat(NAME_MAX)));
    }

    #[test]
    fn replies_are_bounded_and_need_their_terminator() {
        let mut reader = ReplyReader::default();
        assert_eq!(reader.push(b"PO"), Ok(false));
        assert_eq!(reader.reply(), Err(ClamdFault::Truncated));
        assert_eq!(reader.push(b"NG\0"), Ok(true));
        assert_eq!(reader.reply().and_then(parse_ping), Ok(()));
        assert_eq!(reader.push(b"x"), Err(ClamdFault::Trailing));
        assert_eq!(reader.reply(), Err(ClamdFault::Trailing));

        let mut reader = ReplyReader::default();
        assert_eq!(reader.push(&[b'x'; REPLY_MAX * 2]), Err(ClamdFault::TooLong));
        assert!(reader.bytes.len() < REPLY_MAX);

        let mut exact = vec![b'x'; REPLY_MAX - 1];
        exact.push(0);
        assert_eq!(ReplyReader::default().push(&exact), Ok(true));
        exact.push(b'x');
        assert_eq!(ReplyReader::default().push(&exact), Err(ClamdFault::Trailing));
    }

    #[test]
    fn version_and_pong_are_recognised() {
        assert_eq!(parse_version(b"ClamAV 1.4.6/27000/Mon").as_deref(), Ok("ClamAV 1.4.6/27000/Mon"));
        assert_eq!(parse_version(b"HTTP/1.1 400"), Err(ClamdFault::Malformed));
        assert_eq!(parse_ping(b"PONGS"), Err(ClamdFault::Malformed));
    }
}
