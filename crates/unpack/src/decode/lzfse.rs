//! LZFSE, with LZVN in it (Apple's public reference): blocks of matches and literals, by finite state
//! entropy or by bytes.
//!
//! Limits: a window of 256 KiB, [`MAX_LITERALS`] and [`MAX_MATCHES`] of a block; payloads have at most 1 MiB by
//! the width of their field, or what there is. Not handled: blocks whose tables stand as they are (`bvx1`),
//! which no encoder writes; they are an unknown method.

use std::io::{self, Read};

use super::Source;
use super::window::{Step, Steps, Windowed};
use crate::bytes::le64;

/// The window, in bytes: the longest distance fits.
pub(super) const WINDOW: usize = 256 * 1024;
/// Most literals and matches of one block.
const MAX_LITERALS: usize = 40_000;
const MAX_MATCHES: usize = 10_000;
/// Length of a block's head without its tables, in bytes, and the most that they take.
const HEAD: usize = 32;
const MAX_TABLES: usize = 640;
/// Symbols and states of the four alphabets: literal lengths, match lengths, distances, literals.
const SYMBOLS: [usize; 4] = [20, 20, 64, 256];
const STATES: [usize; 4] = [64, 64, 256, 1024];
/// Bits behind the last symbols of literal lengths and of match lengths; those before have none.
const LITERAL_BITS: [u32; 4] = [2, 3, 5, 8];
const MATCH_BITS: [u32; 4] = [3, 5, 8, 11];
/// How long each short code of a count is in bits, and the count, by its three lowest bits; 5: two more bits
/// are added; 0: a longer code.
const COUNTS: [(u32, u16); 8] = [(2, 0), (3, 2), (2, 1), (5, 4), (2, 0), (3, 3), (2, 1), (0, 0)];

fn bad() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// The decoder.
pub(super) struct Lzfse<'a> {
    source: Source<'a>,
    block: Block,
    /// How much was made, in bytes, and how much it is to be at the end of the block.
    made: u64,
    end: u64,
}

/// The present block.
enum Block {
    None,
    /// So many bytes as they stand.
    Raw(u32),
    Packed(Box<Packed>),
    Lzvn(Lzvn),
}

/// What comes next: literals, then a match.
#[derive(Default)]
struct Next {
    literals: usize,
    /// How far back, and how long.
    copy: Option<(usize, usize)>,
}

impl<'a> Lzfse<'a> {
    pub(super) fn open(source: Source<'a>) -> Windowed<Self> {
        Windowed::new(Self { source, block: Block::None, made: 0, end: 0 }, WINDOW, u64::MAX)
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// So many bytes, as far as there are.
    fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.source).take(count as u64).read_to_end(&mut bytes)?;
        if bytes.len() < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }

    /// The head of a block; false at the end of the stream.
    fn head(&mut self) -> io::Result<bool> {
        let magic = self.take::<4>()?;
        if &magic == b"bvx$" {
            return Ok(false);
        }
        let size = u32::from_le_bytes(self.take()?);
        self.end = self.made.saturating_add(size.into());
        self.block = match &magic {
            b"bvx-" => Block::Raw(size),
            b"bvxn" => {
                let length = u32::from_le_bytes(self.take()?);
                let payload = self.bytes(usize::try_from(length).map_err(|_| bad())?)?;
                Block::Lzvn(Lzvn { payload: payload.into_iter(), next: Next::default(), back: None, done: false })
            }
            b"bvx2" => Block::Packed(Box::new(self.packed(size)?)),
            b"bvx1" => return Err(io::ErrorKind::Unsupported.into()),
            _ => return Err(bad()),
        };
        Ok(true)
    }

    /// A block with its tables. `size`: what it is to give, in bytes.
    fn packed(&mut self, size: u32) -> io::Result<Packed> {
        let head = self.take::<24>()?;
        let word = |at: usize| le64(&head, at).unwrap_or(0);
        let field = |at: usize, shift: u32, bits: u32| (word(at) >> shift & !(u64::MAX << bits)) as usize;
        let (literals, matches) = (field(0, 0, 20), field(0, 40, 20));
        let tables = field(16, 0, 32).checked_sub(HEAD).filter(|length| *length <= MAX_TABLES).ok_or_else(bad)?;
        if literals > MAX_LITERALS || literals % 4 != 0 || matches > MAX_MATCHES {
            return Err(bad());
        }
        // Codes may have no bits: what gives nothing would be work without input. Literals are filled up to
        // four, and the last match may be without any.
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if literals > size.saturating_add(3) || matches > size.saturating_add(1) {
            return Err(bad());
        }
        let tables = self.bytes(tables)?;
        let [lengths, copies, places, bytes] = read_tables(&tables)?;
        let payload = self.bytes(field(0, 20, 20))?;
        let mut bits = Backward::new(payload, field(0, 60, 3))?;
        let mut states = [0, 10, 20, 30].map(|shift| State { table: &bytes, at: field(8, shift, 10) });
        let mut content = Vec::with_capacity(literals);
        while content.len() < literals {
            for state in &mut states {
                content.push(u8::try_from(state.symbol(&mut bits)?).map_err(|_| bad())?);
            }
        }
        let payload = self.bytes(field(8, 40, 20))?;
        Ok(Packed {
            literals: content.into_iter(),
            bits: Backward::new(payload, field(8, 60, 3))?,
            tables: [lengths, copies, places],
            states: [32, 42, 52].map(|shift| field(16, shift, 10)),
            left: matches,
            next: Next::default(),
            back: None,
        })
    }
}

impl Steps for Lzfse<'_> {
    fn step(&mut self) -> io::Result<Step> {
        if matches!(self.block, Block::None) {
            return Ok(if self.head()? { Step::More } else { Step::End });
        }
        let step = match &mut self.block {
            Block::None => None,
            Block::Raw(left) => match left.checked_sub(1) {
                Some(rest) => {
                    *left = rest;
                    Some(Step::Byte(self.take::<1>()?[0]))
                }
                None => None,
            },
            Block::Packed(block) => block.step()?,
            Block::Lzvn(block) => block.step()?,
        };
        let made = match step {
            None if self.made != self.end => return Err(bad()),
            None => {
                self.block = Block::None;
                return Ok(Step::More);
            }
            Some(Step::Byte(_)) => 1,
            // Nothing lies before the start.
            Some(Step::Copy { back, .. }) if back == 0 || back as u64 > self.made || back > WINDOW => return Err(bad()),
            Some(Step::Copy { length, .. }) => length as u64,
            Some(Step::More | Step::End) => 0,
        };
        self.made = self.made.saturating_add(made);
        Ok(step.unwrap_or(Step::More))
    }
}

impl Next {
    /// The next literal or match; `None`: both are done.
    fn step(&mut self, literals: &mut std::vec::IntoIter<u8>) -> io::Result<Option<Step>> {
        if let Some(rest) = self.literals.checked_sub(1) {
            self.literals = rest;
            return Ok(Some(Step::Byte(literals.next().ok_or_else(bad)?)));
        }
        Ok(self.copy.take().map(|(back, length)| Step::Copy { back, length }))
    }
}

/// A block by finite state entropy.
struct Packed {
    literals: std::vec::IntoIter<u8>,
    bits: Backward,
    /// Of lengths of literals, lengths of matches, distances.
    tables: [Vec<Row>; 3],
    states: [usize; 3],
    /// How many matches are still to come.
    left: usize,
    next: Next,
    /// The last distance.
    back: Option<usize>,
}

impl Packed {
    fn step(&mut self) -> io::Result<Option<Step>> {
        if let Some(step) = self.next.step(&mut self.literals)? {
            return Ok(Some(step));
        }
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let mut values = [0; 3];
        for ((value, table), at) in values.iter_mut().zip(&self.tables).zip(&mut self.states) {
            let mut state = State { table, at: *at };
            let row = state.next(&mut self.bits)?;
            *value = row.base.saturating_add(self.bits.pull(row.extra)?);
            *at = state.at;
        }
        let [literals, length, back] = values;
        // No distance is the last one again.
        self.back = if back > 0 { Some(back) } else { self.back };
        let copy = if length > 0 { Some((self.back.ok_or_else(bad)?, length)) } else { None };
        self.next = Next { literals, copy };
        Ok(Some(Step::More))
    }
}

/// One state of a table: which symbol it is, and how the next state is found.
#[derive(Clone, Copy)]
struct Row {
    symbol: usize,
    bits: u32,
    delta: usize,
    /// What the symbol stands for, and how many bits are added to it.
    base: usize,
    extra: u32,
}

/// A place in a table.
struct State<'t> {
    table: &'t [Row],
    at: usize,
}

impl State<'_> {
    fn next(&mut self, bits: &mut Backward) -> io::Result<Row> {
        let row = *self.table.get(self.at).ok_or_else(bad)?;
        self.at = row.delta.saturating_add(bits.pull(row.bits)?);
        Ok(row)
    }

    fn symbol(&mut self, bits: &mut Backward) -> io::Result<usize> {
        Ok(self.next(bits)?.symbol)
    }
}

/// The four tables out of their packed counts.
fn read_tables(bytes: &[u8]) -> io::Result<[Vec<Row>; 4]> {
    let mut at = 0_usize;
    let mut tables = [const { Vec::new() }; 4];
    for (number, table) in tables.iter_mut().enumerate() {
        let (symbols, states) = (SYMBOLS.get(number).copied(), STATES.get(number).copied());
        let mut counts = Vec::new();
        for _ in 0..symbols.unwrap_or(0) {
            counts.push(count(bytes, &mut at)?);
        }
        *table = make_table(&counts, states.unwrap_or(0), number)?;
    }
    // Less than a byte is left.
    if at.div_ceil(8) == bytes.len() { Ok(tables) } else { Err(bad()) }
}

/// The next count, and moves behind it.
fn count(bytes: &[u8], at: &mut usize) -> io::Result<usize> {
    let mut window = [0; 4];
    for (byte, found) in window.iter_mut().zip(bytes.get(*at / 8..).unwrap_or_default()) {
        *byte = *found;
    }
    let bits = u32::from_le_bytes(window) >> (*at % 8);
    let (length, value) = match COUNTS.get((bits & 7) as usize).copied().unwrap_or_default() {
        // Four and three more: two bits tell which.
        (5, four) => (5, usize::from(four).saturating_add((bits >> 3 & 3) as usize)),
        (0, _) if bits & 8 == 0 => (8, 8_usize.saturating_add((bits >> 4 & 0xf) as usize)),
        (0, _) => (14, 24_usize.saturating_add((bits >> 4 & 0x3ff) as usize)),
        (length, value) => (length, usize::from(value)),
    };
    *at = at.saturating_add(length as usize);
    if *at > bytes.len().saturating_mul(8) { Err(bad()) } else { Ok(value) }
}

/// The states of an alphabet whose symbols come so often.
fn make_table(counts: &[usize], states: usize, alphabet: usize) -> io::Result<Vec<Row>> {
    if counts.iter().sum::<usize>() != states {
        return Err(bad());
    }
    let mut table = Vec::with_capacity(states);
    let mut base = 0_usize;
    for (symbol, count) in counts.iter().copied().enumerate() {
        let extra = match alphabet {
            0 => symbol.checked_sub(16).and_then(|last| LITERAL_BITS.get(last)).copied().unwrap_or(0),
            1 => symbol.checked_sub(16).and_then(|last| MATCH_BITS.get(last)).copied().unwrap_or(0),
            2 => symbol as u32 / 4,
            _ => 0,
        };
        // As many bits as bring the count to the number of states; for the last ones, one less.
        let bits = count.leading_zeros().saturating_sub(states.leading_zeros());
        let more = (states.saturating_mul(2) >> bits.min(63)).saturating_sub(count);
        for number in 0..count {
            let (bits, delta) = match number.checked_sub(more) {
                None => (bits, (count.saturating_add(number) << bits).saturating_sub(states)),
                Some(rest) => (bits.saturating_sub(1), rest << bits.saturating_sub(1)),
            };
            table.push(Row { symbol, bits, delta, base, extra });
        }
        base = base.saturating_add(1 << extra);
    }
    Ok(table)
}

/// Bits of a payload, from its end to its start.
struct Backward {
    bytes: Vec<u8>,
    /// How many are left.
    left: usize,
}

impl Backward {
    /// `used`: how many bits of the last byte are used, less one.
    fn new(bytes: Vec<u8>, used: usize) -> io::Result<Self> {
        let unused = 7_usize.checked_sub(used).ok_or_else(bad)?;
        let last = bytes.last().copied().map_or(0, u32::from);
        let left = bytes.len().saturating_mul(8).saturating_sub(unused);
        if last >> used.saturating_add(1) != 0 { Err(bad()) } else { Ok(Self { bytes, left }) }
    }

    /// The next bits as a number; at most 32.
    fn pull(&mut self, count: u32) -> io::Result<usize> {
        self.left = self.left.checked_sub(count as usize).ok_or_else(bad)?;
        let mut window = [0; 8];
        for (byte, found) in window.iter_mut().zip(self.bytes.get(self.left / 8..).unwrap_or_default()) {
            *byte = *found;
        }
        Ok((u64::from_le_bytes(window) >> (self.left % 8) & !(u64::MAX << count)) as usize)
    }
}

/// A block of LZVN.
struct Lzvn {
    payload: std::vec::IntoIter<u8>,
    next: Next,
    /// The last distance.
    back: Option<usize>,
    done: bool,
}

impl Lzvn {
    fn step(&mut self) -> io::Result<Option<Step>> {
        if let Some(step) = self.next.step(&mut self.payload)? {
            return Ok(Some(step));
        }
        if self.done {
            return Ok(None);
        }
        let code = self.byte()?;
        let (top, middle) = (code >> 6, (code >> 3 & 7).saturating_add(3));
        let (literals, length, back) = match code {
            0x06 => {
                self.done = true;
                return Ok(Some(Step::More));
            }
            0x0e | 0x16 => return Ok(Some(Step::More)),
            0x1e | 0x26 | 0x2e | 0x36 | 0x3e | 0x70..=0x7f | 0xd0..=0xdf => return Err(bad()),
            0xa0..=0xbf => {
                let pair = self.pair()?;
                let length = (code & 7) << 2 | (pair & 3);
                (code >> 3 & 3, length.saturating_add(3), Some(pair >> 2))
            }
            0xe0 => (self.byte()?.saturating_add(16), 0, None),
            0xe1..=0xef => (code & 15, 0, None),
            0xf0 => (0, self.byte()?.saturating_add(16), None),
            0xf1.. => (0, code & 15, None),
            _ if code & 7 == 7 => (top, middle, Some(self.pair()?)),
            _ if code & 7 == 6 => (top, middle, None),
            _ => (top, middle, Some((code & 7) << 8 | self.byte()?)),
        };
        self.back = back.or(self.back);
        let copy = if length > 0 { Some((self.back.ok_or_else(bad)?, length)) } else { None };
        self.next = Next { literals, copy };
        Ok(Some(Step::More))
    }

    fn byte(&mut self) -> io::Result<usize> {
        self.payload.next().map(usize::from).ok_or_else(bad)
    }

    fn pair(&mut self) -> io::Result<usize> {
        Ok(self.byte()? | self.byte()? << 8)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::budget::StopFlag;

    #[test]
    fn more_literals_and_matches_than_a_block_gives_are_refused_before_they_are_read() {
        let size = 8_u32;
        for (literals, matches, refused) in [(8_u64, 9_u64, false), (12, 0, true), (40_000, 0, true), (8, 10, true)] {
            let words = [literals | matches << 40, 0, 32 + 40];
            let words: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
            let block = [b"bvx2", &size.to_le_bytes()[..], &words, &[0; 40], b"bvx$"].concat();
            let taken = Cell::new(0);
            let source = Source { rest: &block, taken: &taken, stop: StopFlag::new() };
            let error = Lzfse::open(source).read(&mut [0; 16]).unwrap_err();
            assert_eq!((error.kind(), taken.get()), (io::ErrorKind::InvalidData, if refused { 32 } else { 72 }));
        }
    }
}
