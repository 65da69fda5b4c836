//! SMTP replies (RFC 5321 section 4.2): built, rendered, and read from a next hop.
//!
//! Limits of what is read: [`LINES_MAX`] lines and [`BYTES_MAX`] bytes a reply. Every line of a reply must have the
//! same code, and end in CRLF. Text is kept as printable ASCII: any other byte becomes `?`, a tab a blank.

use crate::line::{LineFault, LineReader};
use crate::text::{PeerText, printable};

/// Most lines of a reply from a next hop.
pub const LINES_MAX: usize = 100;
/// Most bytes of a reply from a next hop, line ends counted.
pub const BYTES_MAX: usize = 64 * 1024;

/// A reply: a code and one or more lines of printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// Our own reply of one line. `code` is 200..=599; anything else becomes 451, never a success.
    pub fn new(code: u16, text: &PeerText) -> Self {
        Reply::with_lines(code, std::slice::from_ref(text))
    }

    /// Our own reply of one line from a text that is made safe: not printable ASCII becomes `?`, too long is cut.
    pub fn say(code: u16, text: &str) -> Self {
        Reply::new(code, &PeerText::new(text))
    }

    /// Our own reply of several lines, the first [`LINES_MAX`] of them. `code` as in [`Reply::new`].
    pub fn with_lines(code: u16, lines: &[PeerText]) -> Self {
        let code = if (200..=599).contains(&code) { code } else { 451 };
        let mut lines: Vec<String> = lines.iter().take(LINES_MAX).map(|l| l.as_str().to_owned()).collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        Reply { code, lines }
    }

    /// The code, 200..=599.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The text of each line, without code. At least one; printable ASCII.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The first line's text.
    pub fn text(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }

    /// Whether the code is 2xx.
    pub fn is_success(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether the code is 3xx.
    pub fn is_intermediate(&self) -> bool {
        self.code / 100 == 3
    }

    /// Whether the code is 4xx.
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// Whether the code is 5xx.
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The enhanced status code that the first line begins with, if any (RFC 2034): class, subject, detail.
    pub fn enhanced(&self) -> Option<(u16, u16, u16)> {
        let mut parts = self.text().split(' ').next()?.split('.').map(|p| p.parse::<u16>().ok());
        match (parts.next()??, parts.next()??, parts.next()??, parts.next()) {
            (class, subject, detail, None) if matches!(class, 2 | 4 | 5) => Some((class, subject, detail)),
            _ => None,
        }
    }

    /// Appends the reply as it goes over the wire.
    pub fn render(&self, out: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (n, line) in self.lines.iter().enumerate() {
            let mark = if n == last { ' ' } else { '-' };
            out.extend_from_slice(format!("{}{mark}{line}\r\n", self.code).as_bytes());
        }
    }
}

/// Why what a next hop sent is not a reply. The connection cannot be used further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyFault {
    /// More than [`BYTES_MAX`] bytes.
    TooLong,
    /// More than [`LINES_MAX`] lines.
    TooManyLines,
    /// A line's code differs from the first line's.
    CodesDiffer,
    /// Not a code 200..=599 followed by a blank, a hyphen or the end of the line.
    Malformed,
    /// A bare CR, bare LF or NUL.
    LineEnd,
}

/// Reads replies one after the other.
pub struct ReplyReader {
    line: LineReader,
    code: Option<u16>,
    lines: Vec<String>,
    bytes: usize,
}

impl Default for ReplyReader {
    fn default() -> Self {
        ReplyReader { line: LineReader::new(BYTES_MAX), code: None, lines: Vec::new(), bytes: 0 }
    }
}

impl ReplyReader {
    /// Reads on. Returns how many bytes were used (up to the end of the first complete reply) and that reply or what
    /// is wrong with it. After a fault the stream is out of step: drop it.
    pub fn push(&mut self, input: &[u8]) -> (usize, Option<Result<Reply, ReplyFault>>) {
        let mut rest = input;
        while !rest.is_empty() {
            let pushed = self.line.push(rest);
            rest = rest.get(pushed.used..).unwrap_or_default();
            let Some(line) = pushed.line else { break };
            let done = match line {
                Ok(line) => self.take(&line),
                Err(LineFault::TooLong) => Err(ReplyFault::TooLong),
                Err(LineFault::BareLf | LineFault::BareCr | LineFault::Nul) => Err(ReplyFault::LineEnd),
            };
            if let Some(done) = done.transpose() {
                return (input.len().saturating_sub(rest.len()), Some(done));
            }
        }
        (input.len(), None)
    }

    /// Whether part of a reply has been read.
    pub fn is_midway(&self) -> bool {
        !self.line.is_empty() || !self.lines.is_empty()
    }

    /// Takes one line; the reply, if it is the last.
    fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyFault> {
        self.bytes = self.bytes.saturating_add(line.len()).saturating_add(2);
        if self.bytes > BYTES_MAX {
            return Err(ReplyFault::TooLong);
        }
        if self.lines.len() >= LINES_MAX {
            return Err(ReplyFault::TooManyLines);
        }
        let (code, more, text) = split(line).ok_or(ReplyFault::Malformed)?;
        if self.code.is_some_and(|first| first != code) {
            return Err(ReplyFault::CodesDiffer);
        }
        self.code = Some(code);
        self.lines.push(printable(text));
        if more {
            return Ok(None);
        }
        let lines = std::mem::take(&mut self.lines);
        *self = ReplyReader::default();
        Ok(Some(Reply { code, lines }))
    }
}

/// Code, whether more lines follow, text.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if !(200..=599).contains(&code) {
        return None;
    }
    match rest.split_first() {
        None => Some((code, false, rest)),
        Some((b' ', text)) => Some((code, false, text)),
        Some((b'-', text)) => Some((code, true, text)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Option<Result<Reply, ReplyFault>> {
        ReplyReader::default().push(input).1
    }

    fn rendered(input: &[u8]) -> String {
        let mut out = Vec::new();
        read(input).unwrap().unwrap().render(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_passes_unchanged_except_what_is_not_printable() {
        for same in ["250 2.1.0 Ok\r\n", "250-a\r\n250-\r\n250 c\r\n", "334 dXNlcg==\r\n", "550 \r\n"] {
            assert_eq!(rendered(same.as_bytes()), same);
        }
        assert_eq!(rendered(b"250\r\n"), "250 \r\n");
        assert_eq!(rendered(b"550 caf\xc3\xa9\x1b[2J\tx\r\n"), "550 caf???[2J x\r\n");
    }

    #[test]
    fn what_is_not_a_reply_is_a_fault() {
        let many = b"250-x\r\n".repeat(LINES_MAX + 1);
        let cases: &[(&[u8], ReplyFault)] = &[
            (b"250-a\r\n251 b\r\n", ReplyFault::CodesDiffer),
            (b"250-a\r\n550-b\r\n", ReplyFault::CodesDiffer),
            (b"25\r\n", ReplyFault::Malformed),
            (b"\r\n", ReplyFault::Malformed),
            (b"2500 ok\r\n", ReplyFault::Malformed),
            (b"100 go on\r\n", ReplyFault::Malformed),
            (b"600 what\r\n", ReplyFault::Malformed),
            (b"250_ok\r\n", ReplyFault::Malformed),
            (b"HTTP/1.1 200 OK\r\n", ReplyFault::Malformed),
            (b"250 ok\n", ReplyFault::LineEnd),
            (b"250 o\rk\r\n", ReplyFault::LineEnd),
            (b"250 o\0k\r\n", ReplyFault::LineEnd),
            (&many, ReplyFault::TooManyLines),
        ];
        for (input, fault) in cases {
            assert_eq!(read(input), Some(Err(*fault)), "{:?}", String::from_utf8_lossy(input));
        }
        let long = [b"250 ".as_slice(), &vec![b'x'; BYTES_MAX], b"\r\n"].concat();
        assert_eq!(read(&long), Some(Err(ReplyFault::TooLong)));
        let wide = [b"250-".as_slice(), &vec![b'x'; 2000], b"\r\n"].concat().repeat(40);
        assert_eq!(read(&wide), Some(Err(ReplyFault::TooLong)));
    }

    #[test]
    fn unfinished_replies_wait_and_the_rest_is_left_alone() {
        assert_eq!(read(b"250-a\r\n250"), None);
        let (used, reply) = ReplyReader::default().push(b"250 a\r\n550 b\r\n");
        assert_eq!((used, reply.unwrap().unwrap().code()), (7, 250));
    }

    #[test]
    fn own_replies_never_carry_a_line_end_or_a_wrong_code() {
        let mut out = Vec::new();
        Reply::say(250, "a\r\n250 b").render(&mut out);
        assert_eq!(out, b"250 a??250 b\r\n");
        assert_eq!(Reply::say(99, "x").code(), 451);
        assert_eq!(Reply::with_lines(250, &[]).lines(), [String::new()]);
    }

    #[test]
    fn enhanced_codes_are_read_from_the_text() {
        assert_eq!(Reply::say(550, "5.7.1 no").enhanced(), Some((5, 7, 1)));
        for none in ["no", "5.7 no", "5.7.1.2 no", "3.0.0 x", "5.7.x y", ""] {
            assert_eq!(Reply::say(550, none).enhanced(), None, "{none}");
        }
    }
}
