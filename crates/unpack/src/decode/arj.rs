//! ARJ's method 4: matches and literals without trees.
//!
//! Limits: the window of 26,624 bytes. The stated size ends a stream.

use std::io::{self, BufRead, Read};

use super::Source;

/// The window, in bytes.
const WINDOW: usize = 26_624;
/// Shortest match, in bytes, less one: a length of 1 means this and one more.
const THRESHOLD: usize = 2;

/// The decoder.
pub(super) struct Fastest<'a> {
    source: Source<'a>,
    /// Bits that were read and not used, the next one highest.
    held: u32,
    bits: u32,
    window: Vec<u8>,
    at: usize,
    copy: usize,
    back: usize,
    left: u64,
}

impl<'a> Fastest<'a> {
    /// `size`: of the content, in bytes.
    pub(super) fn new(source: Source<'a>, size: u64) -> Self {
        Self { source, held: 0, bits: 0, window: vec![0; WINDOW], at: 0, copy: 0, back: 0, left: size }
    }

    fn take(&mut self, count: u32) -> io::Result<usize> {
        while self.bits < count {
            let byte = *self.source.fill_buf()?.first().ok_or(io::ErrorKind::UnexpectedEof)?;
            self.source.consume(1);
            self.held = self.held << 8 | u32::from(byte);
            self.bits = self.bits.saturating_add(8);
        }
        self.bits = self.bits.saturating_sub(count);
        let value = self.held >> self.bits & !(u32::MAX << count);
        Ok(value as usize)
    }

    /// A number in steps: each bit that is set makes it one bit longer.
    fn number(&mut self, from: u32, to: u32) -> io::Result<usize> {
        let mut sum = 0_usize;
        let mut width = from;
        while width < to && self.take(1)? == 1 {
            sum = sum.saturating_add(1 << width);
            width = width.saturating_add(1);
        }
        let rest = self.take(width)?;
        Ok(sum.saturating_add(rest))
    }

    fn byte(&mut self) -> io::Result<u8> {
        if self.copy == 0 {
            let length = self.number(0, 7)?;
            if length == 0 {
                return Ok(self.take(8)? as u8);
            }
            self.copy = length.saturating_add(THRESHOLD);
            self.back = self.number(9, 13)?.saturating_add(1);
        }
        self.copy = self.copy.saturating_sub(1);
        let from = self.at.saturating_add(WINDOW).checked_sub(self.back).ok_or(io::ErrorKind::InvalidData)? % WINDOW;
        Ok(self.window.get(from).copied().unwrap_or_default())
    }
}

impl Read for Fastest<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut made = 0_usize;
        for place in out {
            if self.left == 0 {
                break;
            }
            let byte = match self.byte() {
                Ok(byte) => byte,
                Err(error) if made == 0 => return Err(error),
                // What was made is kept; the next call meets the same end.
                Err(_) => break,
            };
            *place = byte;
            if let Some(slot) = self.window.get_mut(self.at) {
                *slot = byte;
            }
            self.at = self.at.saturating_add(1) % WINDOW;
            self.left = self.left.saturating_sub(1);
            made = made.saturating_add(1);
        }
        Ok(made)
    }
}
