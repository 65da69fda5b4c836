//! LHA's `-lh2-`: a window of 8 KiB, with trees of Huffman that change with each symbol.
//!
//! Limits: trees of 286 and of 128 symbols; the stated size ends a stream.

use std::io;

use super::Source;
use super::window::{Bits, First, Step, Steps, Windowed};

/// The window, in bytes, and what stands in it at first.
pub(super) const WINDOW: usize = 8 * 1024;
pub(super) const BLANK: u8 = b' ';
/// Bytes, and lengths of matches; behind the last symbol eight bits tell how much longer it is.
pub(super) const SYMBOLS: usize = 286;
pub(super) const LONGEST: u16 = SYMBOLS as u16 - 1;
/// A match of three bytes.
pub(super) const THREE: u16 = 256;
/// How many places a symbol of the second tree stands for, as a power of two.
pub(super) const PLACE_BITS: u32 = 6;
/// Symbols of the second tree.
pub(super) const PLACES: u16 = (WINDOW >> PLACE_BITS) as u16;
/// How often symbols may have come until all counts are halved.
const MOST: u32 = 0x8000;

/// The decoder.
pub(super) struct Lh2<'a> {
    bits: Bits<'a>,
    symbols: Tree,
    places: Tree,
    /// How many symbols the second tree has: as many as what was made has places.
    known: u16,
    /// How much was made, in bytes.
    made: u64,
}

impl<'a> Lh2<'a> {
    /// `size`: of the content, in bytes.
    pub(super) fn open(source: Source<'a>, size: u64) -> Windowed<Self> {
        let steps = Self {
            bits: Bits::new(source, First::Highest),
            symbols: Tree::full(SYMBOLS),
            places: Tree::single(),
            known: 1,
            made: 0,
        };
        Windowed::filled(steps, WINDOW, size, BLANK)
    }

    fn place(&mut self) -> io::Result<usize> {
        while self.known < PLACES && self.made > u64::from(self.known) << PLACE_BITS {
            self.places.grow(self.known);
            self.known = self.known.saturating_add(1);
        }
        let high = self.places.symbol(&mut self.bits)?;
        self.places.count_place(high);
        let low = self.bits.take(PLACE_BITS)? as usize;
        Ok((usize::from(high) << PLACE_BITS | low).saturating_add(1))
    }
}

impl Steps for Lh2<'_> {
    fn step(&mut self) -> io::Result<Step> {
        let symbol = self.symbols.symbol(&mut self.bits)?;
        self.symbols.count(symbol);
        if let Ok(byte) = u8::try_from(symbol) {
            self.made = self.made.saturating_add(1);
            return Ok(Step::Byte(byte));
        }
        let more = if symbol == LONGEST { self.bits.take(8)? as usize } else { 0 };
        let length = usize::from(symbol.saturating_sub(THREE)).saturating_add(more).saturating_add(3);
        let back = self.place()?;
        self.made = self.made.saturating_add(length as u64);
        Ok(Step::Copy { back, length })
    }
}

/// What a node leads to.
#[derive(Clone, Copy)]
enum Down {
    /// Two nodes: this one for a bit that is not set, and the one in front of it.
    Nodes(usize),
    Symbol(u16),
}

/// A tree: its nodes in the order of how often they came, the root first.
struct Tree {
    counts: Vec<u32>,
    down: Vec<Down>,
    /// Of each node the one above it.
    up: Vec<usize>,
    /// Of each symbol its node.
    leaves: Vec<usize>,
    /// How often places came: their root's own count is a bound that none reaches.
    total: u32,
}

impl Tree {
    /// A tree in which each of `symbols` came once.
    fn full(symbols: usize) -> Self {
        let nodes = symbols.saturating_mul(2).saturating_sub(1);
        let inner = symbols.saturating_sub(1);
        let mut tree = Self {
            counts: vec![1; nodes],
            down: vec![Down::Symbol(0); nodes],
            up: vec![0; nodes],
            leaves: (0..symbols).map(|symbol| nodes.saturating_sub(symbol).saturating_sub(1)).collect(),
            total: 0,
        };
        for (symbol, node) in (0_u16..).zip(&tree.leaves) {
            if let Some(down) = tree.down.get_mut(*node) {
                *down = Down::Symbol(symbol);
            }
        }
        for (node, second) in (0..inner).rev().zip((0..nodes).rev().step_by(2)) {
            tree.join(node, second);
        }
        tree.link();
        tree
    }

    /// A tree of symbol 0.
    fn single() -> Self {
        Self { counts: vec![1], down: vec![Down::Symbol(0)], up: vec![0], leaves: vec![0], total: 0 }
    }

    fn count_of(&self, node: usize) -> u32 {
        self.counts.get(node).copied().unwrap_or(0)
    }

    fn set_count(&mut self, node: usize, count: u32) {
        if let Some(place) = self.counts.get_mut(node) {
            *place = count;
        }
    }

    fn set_down(&mut self, node: usize, down: Down) {
        if let Some(place) = self.down.get_mut(node) {
            *place = down;
        }
    }

    /// Makes `node` the one above `second` and the node in front of that.
    fn join(&mut self, node: usize, second: usize) {
        let sum = self.count_of(second).saturating_add(self.count_of(second.saturating_sub(1)));
        self.set_count(node, sum);
        self.set_down(node, Down::Nodes(second));
    }

    /// What stands below `node` learns where it is.
    fn link_one(&mut self, node: usize) {
        match self.down.get(node).copied() {
            Some(Down::Nodes(second)) => {
                for below in [second, second.saturating_sub(1)] {
                    if let Some(up) = self.up.get_mut(below) {
                        *up = node;
                    }
                }
            }
            Some(Down::Symbol(symbol)) => {
                if let Some(leaf) = self.leaves.get_mut(usize::from(symbol)) {
                    *leaf = node;
                }
            }
            None => {}
        }
    }

    fn link(&mut self) {
        for node in 0..self.down.len() {
            self.link_one(node);
        }
    }

    /// The next symbol.
    fn symbol(&self, bits: &mut Bits<'_>) -> io::Result<u16> {
        let mut node = 0;
        loop {
            match self.down.get(node).copied() {
                Some(Down::Symbol(symbol)) => return Ok(symbol),
                Some(Down::Nodes(second)) => node = second.saturating_sub(bits.take(1)? as usize),
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// A symbol of the first tree came.
    fn count(&mut self, symbol: u16) {
        if self.count_of(0) == MOST {
            self.halve();
        }
        self.set_count(0, self.count_of(0).saturating_add(1));
        self.rise(symbol);
    }

    /// A symbol of the second tree came.
    fn count_place(&mut self, symbol: u16) {
        if self.total == MOST {
            self.halve();
            self.total = self.count_of(0);
            self.set_count(0, u32::MAX);
        }
        self.rise(symbol);
        self.total = self.total.saturating_add(1);
    }

    /// Counts a symbol's node and all above it but the root; each first takes the place of the first node
    /// that came as often.
    fn rise(&mut self, symbol: u16) {
        let mut node = self.leaves.get(usize::from(symbol)).copied().unwrap_or(0);
        while node != 0 {
            let count = self.count_of(node);
            let first = self.counts.partition_point(|other| *other > count);
            if first < node {
                self.down.swap(first, node);
                self.link_one(first);
                self.link_one(node);
            }
            self.set_count(first, count.saturating_add(1));
            let above = self.up.get(first).copied().unwrap_or(0);
            // Nodes stand behind those above them.
            node = if above < first { above } else { 0 };
        }
    }

    /// A further symbol, which never came: it shares the last node with what stood there.
    fn grow(&mut self, symbol: u16) {
        let last = self.down.len().saturating_sub(1);
        let (old, count) = (self.down.get(last).copied().unwrap_or(Down::Symbol(0)), self.count_of(last));
        self.down.extend([old, Down::Symbol(symbol)]);
        self.counts.extend([count, 0]);
        self.up.extend([last, last]);
        self.leaves.push(0);
        self.set_down(last, Down::Nodes(last.saturating_add(2)));
        if last == 0 {
            self.set_count(0, u32::MAX);
        }
        for node in last..self.down.len() {
            self.link_one(node);
        }
        self.count_place(symbol);
    }

    /// Halves what all symbols count, and makes the nodes above them anew.
    fn halve(&mut self) {
        let nodes = self.down.iter().zip(&self.counts);
        let leaves: Vec<(u32, Down)> = nodes
            .filter(|(down, _)| matches!(down, Down::Symbol(_)))
            .map(|(down, count)| (count.div_ceil(2), *down))
            .collect();
        if leaves.len() < 2 {
            return;
        }
        // From the last node to the first: two that are there get one above them, which stands in front of
        // what comes no more often than it.
        let (mut left, mut at) = (leaves.len(), self.down.len());
        let mut second = self.down.len().saturating_sub(1);
        while at > 0 {
            while at >= second && left > 0 {
                self.take(&leaves, &mut left, &mut at);
            }
            let sum = self.count_of(second).saturating_add(self.count_of(second.saturating_sub(1)));
            while left.checked_sub(1).and_then(|last| leaves.get(last)).is_some_and(|leaf| leaf.0 <= sum) {
                self.take(&leaves, &mut left, &mut at);
            }
            at = at.saturating_sub(1);
            self.join(at, second);
            second = second.saturating_sub(2);
        }
        self.link();
    }

    /// Puts the last leaf that is left in front of the nodes from `at`.
    fn take(&mut self, leaves: &[(u32, Down)], left: &mut usize, at: &mut usize) {
        *left = left.saturating_sub(1);
        *at = at.saturating_sub(1);
        if let Some((count, down)) = leaves.get(*left) {
            self.set_count(*at, *count);
            self.set_down(*at, *down);
        }
    }
}
