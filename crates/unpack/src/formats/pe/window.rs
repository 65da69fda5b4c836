//! What a decompressor of programs makes: bytes, and copies of bytes before, counted in the budget.
//!
//! Limit: [`MAX_IMAGE`].

use crate::budget::{Budget, Limit, Meter};
use crate::decode::CHUNK;

/// Largest unpacked program, in bytes.
pub(super) const MAX_IMAGE: usize = 128 << 20;

/// Why unpacking ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// It is not what it looked like, or damaged.
    Broken,
    /// A limit was reached.
    Limit(Limit),
}

/// See above.
pub(super) struct Window<'a> {
    pub(super) content: Vec<u8>,
    counted: usize,
    pub(super) budget: &'a mut Budget,
    pub(super) meter: &'a mut Meter,
}

impl<'a> Window<'a> {
    pub(super) fn new(budget: &'a mut Budget, meter: &'a mut Meter) -> Self {
        meter.next_object();
        Self { content: Vec::new(), counted: 0, budget, meter }
    }

    /// One byte; `read`: how much was read so far.
    pub(super) fn push(&mut self, byte: u8, read: usize) -> Result<(), Failure> {
        self.content.push(byte);
        if self.content.len().saturating_sub(self.counted) >= CHUNK { self.count(read) } else { Ok(()) }
    }

    /// Some bytes again, from so far before the end.
    pub(super) fn copy(&mut self, offset: usize, length: usize, read: usize) -> Result<(), Failure> {
        for _ in 0..length {
            let from = self.content.len().checked_sub(offset).ok_or(Failure::Broken)?;
            let byte = *self.content.get(from).ok_or(Failure::Broken)?;
            self.push(byte, read)?;
        }
        Ok(())
    }

    /// Tells the budget.
    pub(super) fn count(&mut self, read: usize) -> Result<(), Failure> {
        let new = self.content.len().saturating_sub(self.counted) as u64;
        self.counted = self.content.len();
        if self.content.len() > MAX_IMAGE {
            return Err(Failure::Limit(Limit::Bytes));
        }
        self.budget.produce(self.meter, new, read as u64).map_err(Failure::Limit)
    }
}
