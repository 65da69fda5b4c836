//! Where something stands: half-open byte ranges in a buffer.

use serde::{Deserialize, Serialize};

/// The largest buffer that spans can name: 2047 MiB (spec LM-03), in bytes.
pub const MAX_BUFFER: usize = 2047 * 1024 * 1024;

/// A half-open range of bytes `start..end`, in a buffer of at most [`MAX_BUFFER`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset one past the last byte; never below `start` in a span made by [`Span::new`].
    pub end: u32,
}

impl Span {
    /// The span `start..end`; an `end` below `start` gives the empty span at `start`,
    /// and offsets beyond [`u32::MAX`] saturate.
    pub fn new(start: usize, end: usize) -> Self {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let end = u32::try_from(end).unwrap_or(u32::MAX).max(start);
        Self { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether it holds no byte.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The bytes it names; what lies outside `buffer` is left out, so this never panics.
    pub fn of(self, buffer: &[u8]) -> &[u8] {
        let end = (self.end as usize).min(buffer.len());
        buffer.get(self.start as usize..end).unwrap_or(&[])
    }

    /// Whether the span is well formed and lies inside a buffer of `len` bytes.
    pub fn fits(self, len: usize) -> bool {
        self.start <= self.end && self.end as usize <= len
    }

    /// Whether `other` lies inside this span.
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// As a range of indices.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}
