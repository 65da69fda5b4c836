//! Splits a stream into lines, strictly: only CRLF ends a line.
//!
//! Limits: a line longer than the reader's maximum (CRLF counted) is read to its end, not kept, and reported as
//! [`LineFault::TooLong`]. A bare LF is reported where it stands, without waiting for a CRLF that may never come: the
//! caller cannot know what the peer meant and should give up. Content after DATA is not read with this but with
//! [`crate::dot`].

use memchr::memchr;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFault {
    /// Longer than the reader's maximum.
    TooLong,
    /// An LF without a CR before it. The rest of the stream cannot be trusted to be cut as the peer meant it.
    BareLf,
    /// A CR without an LF after it.
    BareCr,
    /// A NUL byte.
    Nul,
}

/// What one call of [`LineReader::push`] did.
/// No `Debug`: the line may be a secret.
pub struct Pushed {
    /// How many bytes of the input were used: up to and including the end of the first line.
    pub used: usize,
    /// The line without its CRLF, or what is wrong with it; `None` while its end has not come.
    pub line: Option<Result<Vec<u8>, LineFault>>,
}

/// Collects one line at a time. Holds at most `max` bytes.
pub struct LineReader {
    max: usize,
    kept: Vec<u8>,
    length: usize,
    last: u8,
}

impl LineReader {
    /// A reader for lines of at most `max` bytes, CRLF counted.
    pub fn new(max: usize) -> Self {
        LineReader { max, kept: Vec::new(), length: 0, last: 0 }
    }

    /// Reads on. Call again with the unused rest of the input as long as a line comes out.
    pub fn push(&mut self, input: &[u8]) -> Pushed {
        let Some(at) = memchr(b'\n', input) else {
            self.keep(input);
            return Pushed { used: input.len(), line: None };
        };
        let (before, _) = input.split_at(at);
        self.keep(before);
        let line = self.end();
        Pushed { used: at.saturating_add(1), line: Some(line) }
    }

    /// Whether no line has been begun.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Drops a line that was begun.
    pub fn clear(&mut self) {
        self.kept = Vec::new();
        self.length = 0;
        self.last = 0;
    }

    /// Keeps what fits, counts the rest.
    fn keep(&mut self, piece: &[u8]) {
        let room = self.max.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(piece.get(..room).unwrap_or(piece));
        self.length = self.length.saturating_add(piece.len());
        self.last = piece.last().copied().unwrap_or(self.last);
    }

    /// Judges the line that an LF has just ended.
    fn end(&mut self) -> Result<Vec<u8>, LineFault> {
        let ended_by_crlf = self.last == b'\r';
        let length = self.length.saturating_add(1);
        let mut line = std::mem::take(&mut self.kept);
        self.clear();
        if !ended_by_crlf {
            return Err(LineFault::BareLf);
        }
        if length > self.max {
            return Err(LineFault::TooLong);
        }
        line.pop();
        if line.contains(&0) {
            return Err(LineFault::Nul);
        }
        if line.contains(&b'\r') {
            return Err(LineFault::BareCr);
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], step: usize) -> Vec<Result<Vec<u8>, LineFault>> {
        let mut reader = LineReader::new(8);
        let mut found = Vec::new();
        for chunk in input.chunks(step) {
            let mut rest = chunk;
            while !rest.is_empty() {
                let pushed = reader.push(rest);
                rest = &rest[pushed.used..];
                found.extend(pushed.line);
                assert!(reader.kept.len() <= 8);
            }
        }
        found
    }

    type Case = (&'static [u8], &'static [Result<&'static [u8], LineFault>]);

    #[test]
    fn only_crlf_ends_a_line_at_every_split() {
        let cases: &[Case] = &[
            (b"abc\r\n\r\n", &[Ok(b"abc"), Ok(b"")]),
            (b"abcdef\r\nabcdefg\r\nok\r\n", &[Ok(b"abcdef"), Err(LineFault::TooLong), Ok(b"ok")]),
            (b"a\nb\r\n", &[Err(LineFault::BareLf), Ok(b"b")]),
            (b"\n", &[Err(LineFault::BareLf)]),
            (b"a\rb\r\n", &[Err(LineFault::BareCr)]),
            (b"a\r\r\n", &[Err(LineFault::BareCr)]),
            (b"a\0\r\n", &[Err(LineFault::Nul)]),
            (b"abc\r", &[]),
            (b"0123456789\n", &[Err(LineFault::BareLf)]),
        ];
        for (input, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|r| r.map(<[u8]>::to_vec)).collect();
            for step in 1..=input.len() {
                assert_eq!(lines(input, step), expected, "{input:?} in steps of {step}");
            }
        }
    }
}
