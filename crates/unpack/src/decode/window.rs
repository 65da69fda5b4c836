//! What the older compressors share: bits out of a source, and copies out of what was made before.
//!
//! Limits: the window that each states, and the stated size, which ends a stream: but for one these formats
//! have no end mark.

use std::io::{self, BufRead, Read};

use super::Source;

/// Which bit of a byte comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Lowest,
    Highest,
}

/// Bits of a source.
pub(super) struct Bits<'a> {
    source: Source<'a>,
    first: First,
    /// Bits that were read and not used.
    held: u32,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(source: Source<'a>, first: First) -> Self {
        Self { source, first, held: 0, count: 0 }
    }

    /// The next bits as a number; at most 16 at once.
    ///
    /// # Errors
    /// Those of the source; [`io::ErrorKind::UnexpectedEof`] when it has no more.
    pub(super) fn take(&mut self, count: u32) -> io::Result<u32> {
        while self.count < count {
            let byte = *self.source.fill_buf()?.first().ok_or(io::ErrorKind::UnexpectedEof)?;
            self.source.consume(1);
            match self.first {
                First::Lowest => self.held |= u32::from(byte) << self.count,
                First::Highest => self.held = self.held << 8 | u32::from(byte),
            }
            self.count = self.count.saturating_add(8);
        }
        self.count = self.count.saturating_sub(count);
        let mask = !(u32::MAX << count);
        Ok(match self.first {
            First::Lowest => {
                let value = self.held & mask;
                self.held >>= count;
                value
            }
            First::Highest => self.held >> self.count & mask,
        })
    }

    /// The next eight bits or fewer.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn byte(&mut self, count: u32) -> io::Result<u8> {
        Ok(u8::try_from(self.take(count.min(8))?).unwrap_or(0))
    }
}

/// What a decoder says next.
pub(super) enum Step {
    /// A byte of the content.
    Byte(u8),
    /// This many bytes again, from this far back.
    Copy { back: usize, length: usize },
    /// Nothing yet.
    More,
    /// The end, in formats that have a mark for it.
    End,
}

/// A decoder of steps.
pub(super) trait Steps {
    /// The next step.
    ///
    /// # Errors
    /// What the source says, and [`io::ErrorKind::InvalidData`] for what is no stream of this format.
    fn step(&mut self) -> io::Result<Step>;
}

/// Makes content of steps.
pub(super) struct Windowed<S> {
    steps: S,
    /// What was made last; what lies before the start is zeros, or what the format says.
    window: Vec<u8>,
    /// Where the window's next byte goes.
    at: usize,
    /// How much is still to be copied, from how far back.
    copy: usize,
    back: usize,
    /// What is still to be made.
    left: u64,
    /// How it ended: a decoder is not asked again behind an error, where it may find something to go on with.
    failed: Option<io::ErrorKind>,
}

impl<S: Steps> Windowed<S> {
    /// `window`: in bytes, not 0; `size`: of the content.
    pub(super) fn new(steps: S, window: usize, size: u64) -> Self {
        Self::filled(steps, window, size, 0)
    }

    /// Like [`Self::new`]; `blank` lies before the start.
    pub(super) fn filled(steps: S, window: usize, size: u64, blank: u8) -> Self {
        Self { steps, window: vec![blank; window], at: 0, copy: 0, back: 0, left: size, failed: None }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        while self.copy == 0 {
            match self.steps.step()? {
                Step::Byte(byte) => return Ok(Some(byte)),
                Step::End => return Ok(None),
                Step::Copy { back, length } => (self.back, self.copy) = (back, length),
                Step::More => {}
            }
        }
        self.copy = self.copy.saturating_sub(1);
        let size = self.window.len();
        let back = self.back.checked_rem(size).ok_or(io::ErrorKind::InvalidData)?;
        let from = self.at.saturating_add(size).saturating_sub(back).checked_rem(size).unwrap_or(0);
        Ok(Some(self.window.get(from).copied().unwrap_or_default()))
    }
}

impl<S: Steps> Read for Windowed<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(kind) = self.failed {
            return Err(kind.into());
        }
        let mut made = 0_usize;
        for place in out {
            if self.left == 0 {
                break;
            }
            let byte = match self.byte() {
                Ok(Some(byte)) => byte,
                Ok(None) => {
                    self.left = 0;
                    break;
                }
                // What was made is kept; the next call tells.
                Err(error) => {
                    self.failed = Some(error.kind());
                    if made == 0 {
                        return Err(error);
                    }
                    break;
                }
            };
            *place = byte;
            if let Some(slot) = self.window.get_mut(self.at) {
                *slot = byte;
            }
            self.at = self.at.saturating_add(1).checked_rem(self.window.len()).unwrap_or(0);
            self.left = self.left.saturating_sub(1);
            made = made.saturating_add(1);
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::budget::StopFlag;

    #[test]
    fn bits_come_from_either_end_of_a_byte() {
        let bytes = [0b1010_0110_u8, 0b0000_1111];
        for (first, wanted) in [(First::Lowest, [6, 0b1111_0100]), (First::Highest, [5, 0b0011_0000])] {
            let taken = Cell::new(0);
            let mut bits = Bits::new(Source { rest: &bytes, taken: &taken, stop: StopFlag::new() }, first);
            assert_eq!([bits.take(3).unwrap(), bits.take(8).unwrap()], wanted);
            assert_eq!(bits.take(6).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn copies_go_round_the_window_and_end_with_the_size() {
        struct List(Vec<Step>);
        impl Steps for List {
            fn step(&mut self) -> io::Result<Step> {
                self.0.pop().ok_or(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let steps = vec![
            Step::Copy { back: 5, length: 9 },
            Step::More,
            Step::Copy { back: 1, length: 3 },
            Step::Byte(b'b'),
            Step::Byte(b'a'),
        ];
        let mut out = Vec::new();
        Windowed::new(List(steps), 5, 12).read_to_end(&mut out).unwrap();
        assert_eq!(out, b"abbbbabbbbab");
        let short = Windowed::new(List(vec![Step::Byte(b'a')]), 5, 3).read_to_end(&mut Vec::new());
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_error_stays_though_the_decoder_would_go_on() {
        struct List(Vec<io::Result<Step>>);
        impl Steps for List {
            fn step(&mut self) -> io::Result<Step> {
                self.0.pop().unwrap_or(Ok(Step::End))
            }
        }
        let steps = vec![Ok(Step::Byte(b'b')), Err(io::ErrorKind::Unsupported.into()), Ok(Step::Byte(b'a'))];
        let mut reader = Windowed::new(List(steps), 5, 12);
        let mut out = [0; 4];
        assert_eq!((reader.read(&mut out).unwrap(), out[0]), (1, b'a'));
        for _ in 0..3 {
            assert_eq!(reader.read(&mut out).unwrap_err().kind(), io::ErrorKind::Unsupported);
        }
    }
}
