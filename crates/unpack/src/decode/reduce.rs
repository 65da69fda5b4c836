//! Reduce (zip methods 2 to 5, APPNOTE 5.2): which bytes may follow which, then copies from a window.
//!
//! Limits: the window of [`WINDOW`] bytes, sets of [`MAX_FOLLOWERS`]. The format has no end mark: the
//! stated size ends it.

use std::io::{self, BufRead, Read};

use super::Source;

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
    source: Source<'a>,
    held: u32,
    bits: u32,
    /// For each byte those that may follow it.
    followers: Vec<Vec<u8>>,
    before: u8,
    state: State,
    /// Bits of a copy's first byte that belong to the length.
    length_bits: u32,
    window: Vec<u8>,
    at: usize,
    copy: usize,
    back: usize,
    left: u64,
}

impl<'a> Reduce<'a> {
    /// `factor`: 1 to 4, the method less one; `size`: of the zip member.
    pub(super) fn new(source: Source<'a>, factor: u8, size: u64) -> io::Result<Self> {
        let mut reduce = Self {
            source,
            held: 0,
            bits: 0,
            followers: vec![Vec::new(); 256],
            before: 0,
            state: State::Plain,
            length_bits: 8_u32.saturating_sub(u32::from(factor.clamp(1, 4))),
            window: vec![0; WINDOW],
            at: 0,
            copy: 0,
            back: 0,
            left: size,
        };
        for byte in (0..256_usize).rev() {
            let count = reduce.bits_of(6)?;
            if count > MAX_FOLLOWERS {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let set = (0..count).map(|_| reduce.byte_of(8)).collect::<io::Result<Vec<u8>>>()?;
            if let Some(place) = reduce.followers.get_mut(byte) {
                *place = set;
            }
        }
        Ok(reduce)
    }

    fn bits_of(&mut self, count: u32) -> io::Result<u32> {
        while self.bits < count {
            let byte = *self.source.fill_buf()?.first().ok_or(io::ErrorKind::UnexpectedEof)?;
            self.source.consume(1);
            self.held |= u32::from(byte) << self.bits;
            self.bits = self.bits.saturating_add(8);
        }
        let value = self.held & !(u32::MAX << count);
        self.held >>= count;
        self.bits = self.bits.saturating_sub(count);
        Ok(value)
    }

    fn byte_of(&mut self, count: u32) -> io::Result<u8> {
        Ok(u8::try_from(self.bits_of(count)?).unwrap_or(0))
    }

    /// The next byte of the inner stream: one that may follow the one before, or any.
    fn inner(&mut self) -> io::Result<u8> {
        let count = self.followers.get(usize::from(self.before)).map_or(0, Vec::len);
        let byte = if count == 0 || self.bits_of(1)? == 1 {
            self.byte_of(8)?
        } else {
            // As many bits as the largest index needs, one at least.
            let width = usize::BITS.saturating_sub(count.saturating_sub(1).leading_zeros()).max(1);
            let index = self.bits_of(width)? as usize;
            let set = self.followers.get(usize::from(self.before));
            set.and_then(|set| set.get(index)).copied().ok_or(io::ErrorKind::InvalidData)?
        };
        self.before = byte;
        Ok(byte)
    }

    /// The next byte of the content, unless a copy begins.
    fn step(&mut self) -> io::Result<Option<u8>> {
        let byte = self.inner()?;
        let full = !(u32::MAX << self.length_bits);
        match self.state {
            State::Plain if byte == MARK => self.state = State::Marked,
            State::Plain => return Ok(Some(byte)),
            State::Marked if byte == 0 => {
                self.state = State::Plain;
                return Ok(Some(MARK));
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
                self.back = (high << 8 | usize::from(byte)).saturating_add(1);
                self.copy = length.saturating_add(3);
                self.state = State::Plain;
            }
        }
        Ok(None)
    }

    fn byte(&mut self) -> io::Result<u8> {
        loop {
            if self.copy > 0 {
                self.copy = self.copy.saturating_sub(1);
                // What lies before the start is zeros.
                let from = self.at.wrapping_sub(self.back) % WINDOW;
                return Ok(self.window.get(from).copied().unwrap_or_default());
            }
            if let Some(byte) = self.step()? {
                return Ok(byte);
            }
        }
    }
}

impl Read for Reduce<'_> {
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
            self.at = self.at.wrapping_add(1) % WINDOW;
            self.left = self.left.saturating_sub(1);
            made = made.saturating_add(1);
        }
        Ok(made)
    }
}
