//! ARJ's method 4: matches and literals without trees.
//!
//! Limits: the window of 26,624 bytes. The stated size ends a stream.

use std::io;

use super::Source;
use super::window::{Bits, First, Step, Steps, Windowed};

/// The window, in bytes.
const WINDOW: usize = 26_624;
/// Shortest match, in bytes, less one: a length of 1 means this and one more.
const THRESHOLD: usize = 2;

/// The decoder.
pub(super) struct Fastest<'a>(Bits<'a>);

impl<'a> Fastest<'a> {
    /// `size`: of the content, in bytes.
    pub(super) fn open(source: Source<'a>, size: u64) -> Windowed<Self> {
        Windowed::new(Self(Bits::new(source, First::Highest)), WINDOW, size)
    }

    /// A number in steps: each bit that is set makes it one bit longer.
    fn number(&mut self, from: u32, to: u32) -> io::Result<usize> {
        let mut sum = 0_usize;
        let mut width = from;
        while width < to && self.0.take(1)? == 1 {
            sum = sum.saturating_add(1 << width);
            width = width.saturating_add(1);
        }
        let rest = self.0.take(width)? as usize;
        Ok(sum.saturating_add(rest))
    }
}

impl Steps for Fastest<'_> {
    fn step(&mut self) -> io::Result<Step> {
        let length = self.number(0, 7)?;
        if length == 0 {
            return Ok(Step::Byte(self.0.byte(8)?));
        }
        let back = self.number(9, 13)?.saturating_add(1);
        Ok(Step::Copy { back, length: length.saturating_add(THRESHOLD) })
    }
}
