//! Patches: spans overwritten at equal length, for mail whose sizes a server has announced.
//!
//! A patch keeps every CR and LF where it was, so that it can neither create nor remove a line.

use serde::Serialize;

use crate::span::Span;

/// New bytes for a span of the raw message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Patch {
    /// Which bytes.
    pub span: Span,
    /// What stands there afterwards; exactly as many.
    pub bytes: Vec<u8>,
}

/// Patches that fit one message: in bounds, disjoint, of equal length and line structure, sorted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PatchSet {
    patches: Vec<Patch>,
    raw_len: usize,
}

/// Why patches are refused; each with the span at fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatchError {
    /// It reaches outside the message.
    OutOfBounds(Span),
    /// The new bytes are more or fewer.
    Length(Span),
    /// A CR or LF would appear, vanish or change.
    LineStructure(Span),
    /// It overlaps another.
    Overlap(Span),
}

impl std::fmt::Display for PatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, span) = match self {
            Self::OutOfBounds(span) => ("lies outside the message", span),
            Self::Length(span) => ("has another length than its span", span),
            Self::LineStructure(span) => ("changes line ends", span),
            Self::Overlap(span) => ("overlaps another patch", span),
        };
        write!(f, "patch at {}..{} {what}", span.start, span.end)
    }
}

impl std::error::Error for PatchError {}

impl PatchSet {
    /// Checks the patches against the message and sorts them. Empty ones are dropped.
    ///
    /// # Errors
    /// The first patch that does not fit.
    pub fn new(raw: &[u8], mut patches: Vec<Patch>) -> Result<Self, PatchError> {
        patches.sort_by_key(|patch| patch.span);
        patches.retain(|patch| !(patch.span.is_empty() && patch.bytes.is_empty()));
        let mut free = 0;
        for patch in &patches {
            let span = patch.span;
            if !span.fits(raw.len()) {
                return Err(PatchError::OutOfBounds(span));
            }
            if patch.bytes.len() != span.len() {
                return Err(PatchError::Length(span));
            }
            if span.start < free {
                return Err(PatchError::Overlap(span));
            }
            let is_end = |byte: u8| matches!(byte, b'\r' | b'\n');
            let differs = |(new, old): (&u8, &u8)| new != old && (is_end(*new) || is_end(*old));
            if patch.bytes.iter().zip(span.of(raw)).any(differs) {
                return Err(PatchError::LineStructure(span));
            }
            free = span.end;
        }
        Ok(Self { patches, raw_len: raw.len() })
    }

    /// The patches, sorted by place.
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    /// The length of the message it was made for, in bytes.
    pub fn raw_len(&self) -> usize {
        self.raw_len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_patches_that_keep_size_and_lines_are_accepted() {
        let raw = b"ab\r\ncd\r\n";
        let at = |start, end, bytes: &[u8]| Patch { span: Span::new(start, end), bytes: bytes.to_vec() };
        let cases = [
            (vec![at(0, 2, b"xy")], Ok(())),
            (vec![at(4, 6, b"xy"), at(0, 4, b"xy\r\n")], Ok(())),
            (vec![at(0, 2, b"x")], Err(PatchError::Length(Span::new(0, 2)))),
            (vec![at(0, 2, b"x\n")], Err(PatchError::LineStructure(Span::new(0, 2)))),
            (vec![at(1, 3, b"xy")], Err(PatchError::LineStructure(Span::new(1, 3)))),
            (vec![at(7, 9, b"\nx")], Err(PatchError::OutOfBounds(Span::new(7, 9)))),
            (vec![at(0, 2, b"xy"), at(1, 2, b"x")], Err(PatchError::Overlap(Span::new(1, 2)))),
        ];
        for (patches, expected) in cases {
            assert_eq!(PatchSet::new(raw, patches.clone()).map(|_| ()), expected, "{patches:?}");
        }
    }
}
