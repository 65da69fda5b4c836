//! LHA's `-lh3-`: a window of 8 KiB, with trees of Huffman that stand in front of each block.
//!
//! Limits: trees of 286 and of 128 symbols, codes of at most [`MAX_LENGTH`] bits, blocks of 65,536
//! symbols; the stated size ends a stream.

use std::io;

use super::Source;
use super::lh2::{BLANK, LONGEST, PLACE_BITS, PLACES, SYMBOLS, THREE, WINDOW};
use super::window::{Bits, First, Step, Steps, Windowed};

/// Longest code, in bits.
const MAX_LENGTH: usize = 16;
/// Places for which a block has no tree of its own: how many symbols have codes of 2 bits, of 3, and so on.
const USUAL: [u16; 8] = [1, 0, 2, 3, 7, 18, 47, 50];

/// The decoder.
pub(super) struct Lh3<'a> {
    bits: Bits<'a>,
    /// Symbols until the next block.
    left: u32,
    symbols: Tree,
    places: Tree,
}

impl<'a> Lh3<'a> {
    /// `size`: of the content, in bytes.
    pub(super) fn open(source: Source<'a>, size: u64) -> Windowed<Self> {
        let steps = Self {
            bits: Bits::new(source, First::Highest),
            left: 0,
            symbols: Tree::Always(0),
            places: Tree::Always(0),
        };
        Windowed::filled(steps, WINDOW, size, BLANK)
    }

    /// The head of a block: how many symbols, and the trees.
    fn block(&mut self) -> io::Result<()> {
        // None is as many as the number can count to, and one more.
        self.left = self.bits.take(16)?.wrapping_sub(1) & 0xffff;
        self.left = self.left.saturating_add(1);
        self.symbols = self.tree_of_symbols()?;
        self.places = if self.bits.take(1)? == 1 { self.tree_of_places()? } else { usual() };
        Ok(())
    }

    fn tree_of_symbols(&mut self) -> io::Result<Tree> {
        let mut lengths = Vec::with_capacity(SYMBOLS);
        while lengths.len() < SYMBOLS {
            let there = self.bits.take(1)? == 1;
            lengths.push(if there { self.bits.byte(4)?.saturating_add(1) } else { 0 });
            // Three codes of one bit cannot be: there is one symbol only.
            if lengths == [1, 1, 1] {
                return Ok(Tree::Always(self.bits.take(9)? as u16));
            }
        }
        Tree::new(&lengths)
    }

    fn tree_of_places(&mut self) -> io::Result<Tree> {
        let mut lengths = Vec::with_capacity(PLACES.into());
        while lengths.len() < usize::from(PLACES) {
            lengths.push(self.bits.byte(4)?);
            if lengths == [1, 1, 1] {
                return Ok(Tree::Always(self.bits.take(7)? as u16));
            }
        }
        Tree::new(&lengths)
    }
}

impl Steps for Lh3<'_> {
    fn step(&mut self) -> io::Result<Step> {
        if self.left == 0 {
            self.block()?;
        }
        self.left = self.left.saturating_sub(1);
        let symbol = self.symbols.symbol(&mut self.bits)?;
        if let Ok(byte) = u8::try_from(symbol) {
            return Ok(Step::Byte(byte));
        }
        let more = if symbol == LONGEST { self.bits.take(8)? as usize } else { 0 };
        let length = usize::from(symbol.saturating_sub(THREE)).saturating_add(more).saturating_add(3);
        let high = usize::from(self.places.symbol(&mut self.bits)?);
        let low = self.bits.take(PLACE_BITS)? as usize;
        Ok(Step::Copy { back: (high << PLACE_BITS | low).saturating_add(1), length })
    }
}

/// The tree of places that blocks have which bring none.
fn usual() -> Tree {
    let mut counts = [0; MAX_LENGTH + 1];
    for (count, usual) in counts.iter_mut().skip(2).zip(USUAL) {
        *count = usual;
    }
    Tree::Codes { counts, symbols: (0..PLACES).collect() }
}

/// A tree.
enum Tree {
    /// One symbol, without a bit.
    Always(u16),
    /// How many codes there are of each length, and the symbols in the order of their codes.
    Codes { counts: [u16; MAX_LENGTH + 1], symbols: Vec<u16> },
}

impl Tree {
    /// `lengths`: of each symbol's code, in bits; 0: it has none.
    fn new(lengths: &[u8]) -> io::Result<Self> {
        let mut counts = [0_u16; MAX_LENGTH + 1];
        let mut symbols: Vec<(u8, u16)> = Vec::new();
        let mut room = 1_u32 << MAX_LENGTH;
        for (symbol, length) in (0_u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            if let Some(count) = counts.get_mut(usize::from(*length)) {
                *count = count.saturating_add(1);
            }
            let part = 1 << (MAX_LENGTH as u32).saturating_sub((*length).into());
            room = room.checked_sub(part).ok_or(io::ErrorKind::InvalidData)?;
            symbols.push((*length, symbol));
        }
        symbols.sort_unstable();
        Ok(Self::Codes { counts, symbols: symbols.into_iter().map(|(_, symbol)| symbol).collect() })
    }

    /// The next symbol.
    fn symbol(&self, bits: &mut Bits<'_>) -> io::Result<u16> {
        let (counts, symbols) = match self {
            Self::Always(symbol) => return Ok(*symbol),
            Self::Codes { counts, symbols } => (counts, symbols),
        };
        let (mut code, mut first, mut index) = (0_usize, 0_usize, 0_usize);
        for count in counts.iter().skip(1) {
            code |= bits.take(1)? as usize;
            let count = usize::from(*count);
            if let Some(place) = code.checked_sub(first).filter(|place| *place < count) {
                return symbols.get(index.saturating_add(place)).copied().ok_or(io::ErrorKind::InvalidData.into());
            }
            index = index.saturating_add(count);
            first = first.saturating_add(count) << 1;
            code <<= 1;
        }
        Err(io::ErrorKind::InvalidData.into())
    }
}
