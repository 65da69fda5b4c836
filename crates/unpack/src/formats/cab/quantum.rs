//! Quantum, cabinets' method 2: matches and literals, by an arithmetic coder whose models learn.
//!
//! Each block begins with a new state of the coder; models and window go on from block to block. Limits:
//! windows of 1 KiB to 2 MiB, a block's size, [`MAX_BEYOND`] bits beyond the end of a block.

use crate::bytes::between;

/// Windows, as powers of two.
const WINDOWS: std::ops::RangeInclusive<u8> = 10..=21;
/// How many bits a block may lack: as many as the coder reads ahead.
const MAX_BEYOND: u32 = 16;
/// What is added to how often a symbol came, each time it does.
const STEP: u32 = 8;
/// The sum from which on a model is made smaller.
const MAX_SUM: u32 = 3800;
/// How often a model is halved before it is sorted: at first, and later.
const FIRST_SORT: u8 = 4;
const LATER_SORTS: u8 = 50;
/// The symbols of the first model: four parts of the alphabet, then matches of 3, of 4, of more bytes.
const SELECTORS: u8 = 7;
/// Shortest match whose length is coded.
const LEAST: usize = 5;
/// Lengths, less [`LEAST`]: where each symbol begins, and how many bits follow it.
const LENGTHS: [(usize, u32); 27] = [
    (0, 0),
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 1),
    (8, 1),
    (10, 1),
    (12, 1),
    (14, 2),
    (18, 2),
    (22, 2),
    (26, 2),
    (30, 3),
    (38, 3),
    (46, 3),
    (54, 3),
    (62, 4),
    (78, 4),
    (94, 4),
    (110, 4),
    (126, 5),
    (158, 5),
    (190, 5),
    (222, 5),
    (254, 0),
];

/// The state of a folder.
pub(super) struct Quantum {
    /// What was made last, at least a window of it.
    history: Vec<u8>,
    window: usize,
    selectors: Model,
    literals: [Model; 4],
    /// Places of matches of 3 bytes, of 4, and of more.
    places: [Model; 3],
    lengths: Model,
}

impl Quantum {
    /// `bits`: the window as a power of two. `None`: there is no such window.
    pub(super) fn new(bits: u8) -> Option<Self> {
        if !WINDOWS.contains(&bits) {
            return None;
        }
        let slots = bits.saturating_mul(2);
        Some(Self {
            history: Vec::new(),
            window: 1 << bits,
            selectors: Model::new(0, SELECTORS),
            literals: [0, 64, 128, 192].map(|first| Model::new(first, 64)),
            places: [24, 36, 42].map(|most| Model::new(0, slots.min(most))),
            lengths: Model::new(0, 27),
        })
    }

    /// Decodes a block of `size` bytes of content; fewer when it is damaged.
    pub(super) fn block(&mut self, bytes: &[u8], size: usize) -> Vec<u8> {
        if self.history.len() > self.window.saturating_mul(2) {
            self.history.drain(..self.history.len().saturating_sub(self.window));
        }
        let start = self.history.len();
        let end = start.saturating_add(size);
        if let Some(mut coder) = Coder::new(bytes) {
            while self.history.len() < end && self.step(&mut coder, end).is_some() {}
        }
        between(&self.history, start, end).to_vec()
    }

    /// One literal or match; `None`: damage.
    fn step(&mut self, coder: &mut Coder<'_>, end: usize) -> Option<()> {
        let selector = usize::from(coder.symbol(&mut self.selectors)?);
        if let Some(model) = self.literals.get_mut(selector) {
            self.history.push(coder.symbol(model)?);
            return Some(());
        }
        let kind = selector.checked_sub(self.literals.len())?;
        let length = match kind {
            0 => 3,
            1 => 4,
            _ => {
                let (base, extra) = *LENGTHS.get(usize::from(coder.symbol(&mut self.lengths)?))?;
                base.checked_add(coder.bits(extra)?)?.checked_add(LEAST)?
            }
        };
        let slot = usize::from(coder.symbol(self.places.get_mut(kind)?)?);
        let (base, extra) = place(slot);
        let back = base.checked_add(coder.bits(extra)?)?.checked_add(1)?;
        let mut from = self.history.len().checked_sub(back).filter(|_| back <= self.window)?;
        // No match goes on beyond its block.
        for _ in 0..length.min(end.saturating_sub(self.history.len())) {
            self.history.push(*self.history.get(from)?);
            from = from.saturating_add(1);
        }
        Some(())
    }
}

/// Where the places of a symbol begin, and how many bits follow it.
fn place(slot: usize) -> (usize, u32) {
    let extra = (slot as u32 / 2).saturating_sub(1);
    if slot < 4 { (slot, 0) } else { ((2 | slot & 1) << extra, extra) }
}

/// How often each symbol of an alphabet came.
struct Model {
    /// The symbols, in the order of the model.
    symbols: Vec<u8>,
    /// Of each symbol, how often it and those behind it came; a zero behind the last.
    sums: Vec<u32>,
    /// How often it is halved until it is sorted.
    until_sort: u8,
}

impl Model {
    fn new(first: u8, count: u8) -> Self {
        Self {
            symbols: (0..count).map(|number| first.saturating_add(number)).collect(),
            sums: (0..=u32::from(count)).rev().collect(),
            until_sort: FIRST_SORT,
        }
    }

    fn total(&self) -> u32 {
        self.sums.first().copied().unwrap_or(0)
    }

    /// The symbol at `place` came.
    fn learn(&mut self, place: usize) {
        for sum in self.sums.iter_mut().take(place.saturating_add(1)) {
            *sum = sum.saturating_add(STEP);
        }
        if self.total() > MAX_SUM {
            self.until_sort = self.until_sort.saturating_sub(1);
            if self.until_sort == 0 { self.sort() } else { self.halve() }
        }
    }

    fn halve(&mut self) {
        let mut behind = 0_u32;
        for sum in self.sums.iter_mut().rev().skip(1) {
            // Every symbol stays possible.
            *sum = (*sum >> 1).max(behind.saturating_add(1));
            behind = *sum;
        }
    }

    /// Halves, and puts what came most in front.
    fn sort(&mut self) {
        self.until_sort = LATER_SORTS;
        let counts = self.sums.iter().zip(self.sums.iter().skip(1));
        let counts = counts.map(|(sum, behind)| sum.saturating_sub(*behind).saturating_add(1) >> 1);
        let mut rows: Vec<(u32, u8)> = counts.zip(self.symbols.iter().copied()).collect();
        // Symbols that came as often change places with each other as they do in this very sort.
        for first in 0..rows.len() {
            for second in first.saturating_add(1)..rows.len() {
                if rows.get(first).map(|row| row.0) < rows.get(second).map(|row| row.0) {
                    rows.swap(first, second);
                }
            }
        }
        self.symbols = rows.iter().map(|row| row.1).collect();
        let mut behind = 0_u32;
        for (sum, row) in self.sums.iter_mut().rev().skip(1).zip(rows.iter().rev()) {
            behind = behind.saturating_add(row.0);
            *sum = behind;
        }
    }
}

/// The arithmetic coder over the bits of a block, the highest of a byte first.
struct Coder<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
    /// How many bits were read that are not there.
    beyond: u32,
    /// The interval, and where in it the code lies; 16 bits each.
    high: u32,
    low: u32,
    code: u32,
}

impl<'a> Coder<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut coder = Self { bytes, at: 0, beyond: 0, high: 0xffff, low: 0, code: 0 };
        coder.code = u32::try_from(coder.bits(16)?).ok()?;
        Some(coder)
    }

    fn bit(&mut self) -> Option<u32> {
        let Some(byte) = self.bytes.get(self.at / 8) else {
            self.beyond = self.beyond.saturating_add(1);
            return (self.beyond <= MAX_BEYOND).then_some(0);
        };
        let bit = u32::from(*byte) >> (7 & !self.at) & 1;
        self.at = self.at.saturating_add(1);
        Some(bit)
    }

    /// Bits that stand between those of the coder, as a number.
    fn bits(&mut self, count: u32) -> Option<usize> {
        (0..count).try_fold(0_usize, |value, _| Some(value << 1 | self.bit()? as usize))
    }

    /// The next symbol of a model, which learns it.
    fn symbol(&mut self, model: &mut Model) -> Option<u8> {
        let total = model.total();
        let range = self.high.checked_sub(self.low)?.checked_add(1)?;
        let inside = self.code.checked_sub(self.low)?.checked_add(1)?;
        let wanted = inside.checked_mul(total)?.checked_sub(1)?.checked_div(range)?;
        let place = model.sums.iter().skip(1).position(|sum| *sum <= wanted)?;
        let symbol = *model.symbols.get(place)?;
        let part = |sum: Option<&u32>| sum?.checked_mul(range)?.checked_div(total)?.checked_add(self.low);
        let high = part(model.sums.get(place))?.checked_sub(1)?;
        (self.low, self.high) = (part(model.sums.get(place.checked_add(1)?))?, high);
        model.learn(place);
        self.narrow()?;
        Some(symbol)
    }

    /// Reads on until the interval is wide again.
    fn narrow(&mut self) -> Option<()> {
        loop {
            if (self.low ^ self.high) & 0x8000 != 0 {
                // The ends lie close to each other on either side of the middle.
                if self.low & 0x4000 == 0 || self.high & 0x4000 != 0 {
                    return Some(());
                }
                self.code ^= 0x4000;
                self.low &= 0x3fff;
                self.high |= 0x4000;
            }
            self.low = self.low << 1 & 0xffff;
            self.high = (self.high << 1 | 1) & 0xffff;
            self.code = (self.code << 1 | self.bit()?) & 0xffff;
        }
    }
}
