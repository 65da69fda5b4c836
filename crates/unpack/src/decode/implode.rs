//! Implode (zip method 6, APPNOTE 5.3): a sliding window with Shannon-Fano trees.
//!
//! Limits: the window of 8 KiB at most, trees of 256 codes of at most [`MAX_LENGTH`] bits. The format
//! has no end mark: the stated size ends it.

use std::io::{self, Read};

use super::Source;
use super::window::{Bits, First, Step, Steps, Windowed};

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
    bits: Bits<'a>,
    literals: Option<Tree>,
    lengths: Tree,
    distances: Tree,
    /// Bits of a distance that no tree codes.
    low: u32,
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
    pub(super) fn open(mut source: Source<'a>, flags: u16, size: u64) -> io::Result<Windowed<Self>> {
        let literals = (flags & LITERAL_TREE != 0).then(|| Tree::read(&mut source, 256)).transpose()?;
        let lengths = Tree::read(&mut source, 64)?;
        let distances = Tree::read(&mut source, 64)?;
        let low = if flags & LARGE_WINDOW != 0 { 7 } else { 6 };
        let steps = Self { bits: Bits::new(source, First::Lowest), literals, lengths, distances, low };
        Ok(Windowed::new(steps, WINDOW, size))
    }

    /// One symbol of a tree; its codes stand inverted, the longest first.
    fn symbol(&mut self, tree: impl Fn(&Self) -> Option<&Tree>) -> io::Result<u8> {
        let (mut code, mut first, mut index) = (0_usize, 0_usize, 0_usize);
        for length in 1..=MAX_LENGTH {
            code |= (self.bits.take(1)? ^ 1) as usize;
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
}

impl Steps for Implode<'_> {
    fn step(&mut self) -> io::Result<Step> {
        if self.bits.take(1)? == 1 {
            return Ok(Step::Byte(if self.literals.is_some() {
                self.symbol(|own| own.literals.as_ref())?
            } else {
                self.bits.byte(8)?
            }));
        }
        let low = self.bits.take(self.low)? as usize;
        let high = usize::from(self.symbol(|own| Some(&own.distances))?);
        let back = (high << self.low | low).saturating_add(1);
        let length = self.symbol(|own| Some(&own.lengths))?;
        let extra = if length == 63 { self.bits.take(8)? as usize } else { 0 };
        let least = if self.literals.is_some() { 3 } else { 2 };
        Ok(Step::Copy { back, length: usize::from(length).saturating_add(extra).saturating_add(least) })
    }
}
