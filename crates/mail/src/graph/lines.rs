//! The lines of a buffer, and what kinds of line end it has.

use memchr::memchr2;

/// Longest line without its line end (RFC 5322 section 2.1.1).
pub(super) const MAX_LINE: usize = 998;

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Ends {
    /// LF, with a CR in front or not.
    #[default]
    Lf,
    /// LF, CR, and both together.
    Any,
    /// CR and LF together, only.
    Crlf,
}

/// One line.
#[derive(Clone, Copy)]
pub(super) struct Line {
    /// Its first byte.
    pub(super) start: usize,
    /// One past its last byte without the line end.
    pub(super) end: usize,
    /// Where the next line begins.
    pub(super) next: usize,
}

/// Walks over lines; by default a line ends at LF, with a CR in front or not, and a CR elsewhere ends
/// nothing.
pub(super) struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    ends: Ends,
    /// Where CRLF, bare LF and bare CR were first seen.
    first: [Option<usize>; 3],
}

impl<'b> Lines<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at, ends: Ends::Lf, first: [None; 3] }
    }

    pub(super) fn with(bytes: &'b [u8], at: usize, ends: Ends) -> Self {
        Self { bytes, at, ends, first: [None; 3] }
    }

    pub(super) fn next(&mut self) -> Option<Line> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let mut from = start;
        loop {
            let Some(found) = memchr2(b'\r', b'\n', self.bytes.get(from..).unwrap_or(&[])) else {
                self.at = self.bytes.len();
                return Some(Line { start, end: self.at, next: self.at });
            };
            let end = from + found;
            let (kind, length) = match (self.bytes.get(end), self.bytes.get(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => (0, 2),
                (Some(b'\n'), _) => (1, 1),
                _ => (2, 1),
            };
            if let Some(first) = self.first.get_mut(kind) {
                first.get_or_insert(end);
            }
            from = end + length;
            let ends = match self.ends {
                Ends::Lf => kind != 2,
                Ends::Any => true,
                Ends::Crlf => kind == 0,
            };
            if ends {
                self.at = from;
                return Some(Line { start, end, next: from });
            }
        }
    }

    /// Whether CRLF, bare LF and bare CR occurred.
    pub(super) fn seen(&self) -> [bool; 3] {
        self.first.map(|first| first.is_some())
    }

    /// Where the line ends stop being of one kind; `None` if they never do and no bare CR occurs.
    pub(super) fn mixed(&self) -> Option<usize> {
        match self.first {
            [Some(crlf), Some(lf), None] => Some(crlf.max(lf)),
            [Some(other), None, Some(cr)] | [None, Some(other), Some(cr)] => Some(other.max(cr)),
            [Some(a), Some(b), Some(c)] => Some(a.max(b).min(a.max(c)).min(b.max(c))),
            [None, None, Some(cr)] => Some(cr),
            _ => None,
        }
    }
}
