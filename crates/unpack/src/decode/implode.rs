//! Implode (zip method 6, APPNOTE 5.3): a sliding window with Shannon-Fano trees.
//!
//! Limits: the window of 8 KiB at most, trees of 256 codes of at most [`MAX_LENGTH`] bits. The format
//! has no end mark: the stated size ends it.

use std::io::{self, BufRead, Read};

use super::Source;

/// Longest code, in bits.
const MAX_LENGTH: usize = 16;
/// Flag of a zip member: the window is 8 KiB, not 4.
const LARGE_WINDOW: u16 = 2;
/// Flag of a zip member: literals have a tree of their own.
const LITERAL_TREE: u16 = 4;
/// Largest window, in bytes.
const WINDOW: usize = 8 * 1024;

/// The decoder.
pub(super) struct Implode<'a> {
    source: Source<'a>,
    held: u32,
    bits: u32,
    literals: Option<Tree>,
    lengths: Tree,
    distances: Tree,
    /// Bits of a distance that no tree codes.
    low: u32,
    window: Vec<u8>,
    /// Where the window's next byte goes.
    at: usize,
    /// How much is still to be copied, from how far back.
    copy: usize,
    back: usize,
    /// What is still to be made.
    left: u64,
}

/// A tree: how many codes of each length, and their symbols in the order of the codes.
struct Tree {
    counts: [u16; MAX_LENGTH + 1],
    symbols: Vec<u8>,
}

fn bad() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl Tree {
    /// Reads a tree of `size` codes: runs of codes of one length, a byte each.
    fn read(source: &mut Source<'_>, size: usize) -> io::Result<Self> {
        let mut runs = [0];
        source.read_exact(&mut runs)?;
        let mut lengths: Vec<u8> = Vec::new();
        for _ in 0..=runs[0] {
            let mut run = [0];
            source.read_exact(&mut run)?;
            let (length, count) = ((run[0] & 15).saturating_add(1), usize::from(run[0] >> 4).saturating_add(1));
            lengths.extend(std::iter::repeat_n(length, count));
        }
        if lengths.len() != size {
            return Err(bad());
        }
        let mut counts = [0_u16; MAX_LENGTH + 1];
        let mut symbols: Vec<(u8, u8)> = Vec::new();
        for (symbol, length) in (0_u8..=255).zip(lengths) {
            if let Some(count) = counts.get_mut(usize::from(length)) {
                *count = count.saturating_add(1);
            }
            symbols.push((length, symbol));
        }
        symbols.sort_unstable();
        Ok(Self { counts, symbols: symbols.into_iter().map(|(_, symbol)| symbol).collect() })
    }
}

impl<'a> Implode<'a> {
    /// `flags` and `size`: of the zip member.
    pub(super) fn new(mut source: Source<'a>, flags: u16, size: u64) -> io::Result<Self> {
        let literals = (flags & LITERAL_TREE != 0).then(|| Tree::read(&mut source, 256)).transpose()?;
        let lengths = Tree::read(&mut source, 64)?;
        let distances = Tree::read(&mut source, 64)?;
        Ok(Self {
            source,
            held: 0,
            bits: 0,
            literals,
            lengths,
            distances,
            low: if flags & LARGE_WINDOW != 0 { 7 } else { 6 },
            window: vec![0; WINDOW],
            at: 0,
            copy: 0,
            back: 0,
            left: size,
        })
    }

    fn take(&mut self, count: u32) -> io::Result<u32> {
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

    /// One symbol of a tree; its codes stand inverted, the longest first.
    fn symbol(&mut self, tree: impl Fn(&Self) -> Option<&Tree>) -> io::Result<u8> {
        let (mut code, mut first, mut index) = (0_usize, 0_usize, 0_usize);
        for length in 1..=MAX_LENGTH {
            code |= (self.take(1)? ^ 1) as usize;
            let tree = tree(self).ok_or_else(bad)?;
            let count = usize::from(tree.counts.get(length).copied().unwrap_or(0));
            if let Some(place) = code.checked_sub(first).filter(|place| *place < count) {
                return tree.symbols.get(index.saturating_add(place)).copied().ok_or_else(bad);
            }
            index = index.saturating_add(count);
            first = first.saturating_add(count) << 1;
            code <<= 1;
        }
        Err(bad())
    }

    /// The next literal, or the start of the next copy.
    fn step(&mut self) -> io::Result<Option<u8>> {
        if self.take(1)? == 1 {
            return Ok(Some(if self.literals.is_some() {
                self.symbol(|own| own.literals.as_ref())?
            } else {
                self.take(8)? as u8
            }));
        }
        let low = self.take(self.low)? as usize;
        let high = usize::from(self.symbol(|own| Some(&own.distances))?);
        self.back = (high << self.low | low).saturating_add(1);
        let length = self.symbol(|own| Some(&own.lengths))?;
        let extra = if length == 63 { self.take(8)? as usize } else { 0 };
        let least = if self.literals.is_some() { 3 } else { 2 };
        self.copy = usize::from(length).saturating_add(extra).saturating_add(least);
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

impl Read for Implode<'_> {
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
