//! Reduce (zip methods 2 to 5, APPNOTE 5.2): which bytes may follow which, then copies from a window.
//!
//! Limits: the window of [`WINDOW`] bytes, sets of [`MAX_FOLLOWERS`]. The format has no end mark: the
//! stated size ends it.

use std::io;

use super::Source;
use super::window::{Bits, First, Step, Steps, Windowed};

/// Largest window, in bytes.
const WINDOW: usize = 4096;
/// Most bytes that may follow one.
const MAX_FOLLOWERS: u32 = 32;
/// Begins a copy.
const MARK: u8 = 144;

/// What the bytes of a copy say so far.
enum State {
    Plain,
    /// Behind the mark.
    Marked,
    /// Behind the first byte; the length goes on.
    Long(u8),
    /// Only the distance is missing: the first byte, and the length.
    Near(u8, usize),
}

/// The decoder.
pub(super) struct Reduce<'a> {
    bits: Bits<'a>,
    /// For each byte those that may follow it.
    followers: Vec<Vec<u8>>,
    before: u8,
    state: State,
    /// Bits of a copy's first byte that belong to the length.
    length_bits: u32,
}

impl<'a> Reduce<'a> {
    /// `factor`: 1 to 4, the method less one; `size`: of the zip member.
    pub(super) fn open(source: Source<'a>, factor: u8, size: u64) -> io::Result<Windowed<Self>> {
        let mut reduce = Self {
            bits: Bits::new(source, First::Lowest),
            followers: vec![Vec::new(); 256],
            before: 0,
            state: State::Plain,
            length_bits: 8_u32.saturating_sub(u32::from(factor.clamp(1, 4))),
        };
        for byte in (0..256_usize).rev() {
            let count = reduce.bits.take(6)?;
            if count > MAX_FOLLOWERS {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let set = (0..count).map(|_| reduce.bits.byte(8)).collect::<io::Result<Vec<u8>>>()?;
            if let Some(place) = reduce.followers.get_mut(byte) {
                *place = set;
            }
        }
        Ok(Windowed::new(reduce, WINDOW, size))
    }

    /// The next byte of the inner stream: one that may follow the one before, or any.
    fn inner(&mut self) -> io::Result<u8> {
        let count = self.followers.get(usize::from(self.before)).map_or(0, Vec::len);
        let byte = if count == 0 || self.bits.take(1)? == 1 {
            self.bits.byte(8)?
        } else {
            // As many bits as the largest index needs, one at least.
            let width = usize::BITS.saturating_sub(count.saturating_sub(1).leading_zeros()).max(1);
            let index = self.bits.take(width)? as usize;
            let set = self.followers.get(usize::from(self.before));
            set.and_then(|set| set.get(index)).copied().ok_or(io::ErrorKind::InvalidData)?
        };
        self.before = byte;
        Ok(byte)
    }
}

impl Steps for Reduce<'_> {
    fn step(&mut self) -> io::Result<Step> {
        let byte = self.inner()?;
        let full = !(u32::MAX << self.length_bits);
        match self.state {
            State::Plain if byte == MARK => self.state = State::Marked,
            State::Plain => return Ok(Step::Byte(byte)),
            State::Marked if byte == 0 => {
                self.state = State::Plain;
                return Ok(Step::Byte(MARK));
            }
            State::Marked => {
                let length = u32::from(byte) & full;
                self.state = if length == full { State::Long(byte) } else { State::Near(byte, length as usize) };
            }
            State::Long(first) => {
                self.state = State::Near(first, (full as usize).saturating_add(usize::from(byte)));
            }
            State::Near(first, length) => {
                let high = usize::from(first) >> self.length_bits;
                self.state = State::Plain;
                let back = (high << 8 | usize::from(byte)).saturating_add(1);
                return Ok(Step::Copy { back, length: length.saturating_add(3) });
            }
        }
        Ok(Step::More)
    }
}
