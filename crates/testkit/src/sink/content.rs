//! The end of content, for the sink: found a byte at a time.

/// Undoes dot-stuffing and finds the end, a byte at a time: correct before fast.
#[derive(Default)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) size: usize,
    pub(super) keep: bool,
    pub(super) state: Line,
}

/// What came last.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Line {
    /// CRLF, or nothing yet.
    #[default]
    Start,
    /// Anything within a line.
    Within,
    /// A CR within a line.
    Cr,
    /// A dot at the start of a line, held back.
    Dot,
    /// A dot at the start of a line and a CR, both held back.
    DotCr,
}

impl Content {
    /// Takes bytes; gives how many of them were used once the end is among them.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            self.state = match (self.state, byte) {
                (Line::Start, b'.') => {
                    self.state = Line::Dot;
                    continue;
                }
                (Line::Dot, b'\r') => {
                    self.state = Line::DotCr;
                    continue;
                }
                (Line::DotCr, b'\n') => return Some(at + 1),
                (Line::DotCr, b'\r') => {
                    self.push(b'\r');
                    Line::Cr
                }
                (Line::DotCr, _) => {
                    self.push(b'\r');
                    Line::Within
                }
                (Line::Cr, b'\n') => Line::Start,
                (_, b'\r') => Line::Cr,
                _ => Line::Within,
            };
            self.push(*byte);
        }
        None
    }

    fn push(&mut self, byte: u8) {
        self.size += 1;
        if self.keep {
            self.bytes.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Content;

    #[test]
    fn content_ends_at_one_place_only() {
        let cases: [(&[u8], Option<usize>, &[u8]); 8] = [
            (b".\r\nX", Some(3), b""),
            (b"a\r\n.\r\n", Some(6), b"a\r\n"),
            (b"a\r\n..\r\n.\r\n", Some(10), b"a\r\n.\r\n"),
            (b"a\n.\r\nb", None, b"a\n.\r\nb"),
            (b"a\r\n.\nb", None, b"a\r\n\nb"),
            (b"a\r\n.\r.b", None, b"a\r\n\r.b"),
            (b"a\r.\r\nb", None, b"a\r.\r\nb"),
            (b"a\r\n.b", None, b"a\r\nb"),
        ];
        for (wire, used, content) in cases {
            let mut whole = Content { keep: true, ..Content::default() };
            assert_eq!(whole.take(wire), used, "{}", wire.escape_ascii());
            assert_eq!(whole.bytes, content, "{}", wire.escape_ascii());
            let mut pieces = Content { keep: true, ..Content::default() };
            let end = wire.iter().position(|b| pieces.take(&[*b]).is_some());
            assert_eq!((end.map(|at| at + 1), pieces.bytes.as_slice()), (used, content), "byte by byte");
        }
    }
}
