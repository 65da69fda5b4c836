//! Shrink (zip method 1, APPNOTE 5.1): LZW with codes of 9 to 13 bits, the lowest bit first, and a
//! table that is cleared in part: of the codes that no other builds on.
//!
//! Limits: [`MAX_BITS`], and with it the table. The format has no end mark: the stated size ends it.

use std::io::{self, Read};

use super::Source;
use super::window::{Bits, First};

/// Shortest code, in bits.
const MIN_BITS: u32 = 9;
/// Longest code, in bits.
const MAX_BITS: u32 = 13;
/// How many codes there are.
const CODES: usize = 1 << MAX_BITS;
/// The code in front of a command: longer codes (1), or clear (2).
const COMMAND: usize = 256;

/// The decoder.
pub(super) struct Shrink<'a> {
    bits: Bits<'a>,
    width: u32,
    /// What each code stands for: another code and a byte behind it; `None`: it is free.
    table: Vec<Option<(u16, u8)>>,
    /// Where free codes are looked for.
    free: usize,
    /// The code before, and the first byte of what it stood for.
    last: Option<(usize, u8)>,
    /// What the present code stands for, the last byte first.
    pending: Vec<u8>,
    /// What is still to be made.
    left: u64,
}

fn bad() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl<'a> Shrink<'a> {
    /// `size`: of the zip member.
    pub(super) fn new(source: Source<'a>, size: u64) -> Self {
        Self {
            bits: Bits::new(source, First::Lowest),
            width: MIN_BITS,
            table: vec![None; CODES],
            free: COMMAND.saturating_add(1),
            last: None,
            pending: Vec::new(),
            left: size,
        }
    }

    fn code(&mut self) -> io::Result<usize> {
        Ok(self.bits.take(self.width)? as usize)
    }

    /// Frees the codes that no other builds on.
    fn clear(&mut self) {
        let mut used = vec![false; CODES];
        for (before, _) in self.table.iter().flatten() {
            if let Some(used) = used.get_mut(usize::from(*before)) {
                *used = true;
            }
        }
        for (entry, used) in self.table.iter_mut().zip(used) {
            if !used {
                *entry = None;
            }
        }
        self.free = COMMAND.saturating_add(1);
    }

    /// The next free code; `None` when the table is full.
    fn next_free(&mut self) -> Option<usize> {
        while self.table.get(self.free)?.is_some() {
            self.free = self.free.saturating_add(1);
        }
        Some(self.free)
    }

    /// Puts what a code stands for into `pending`.
    fn spell(&mut self, mut code: usize) -> io::Result<()> {
        self.pending.clear();
        while code > 255 {
            let (before, byte) = self.table.get(code).copied().flatten().ok_or_else(bad)?;
            // Codes may build on each other in a circle once some were freed.
            if self.pending.len() > CODES || usize::from(before) == code {
                return Err(bad());
            }
            self.pending.push(byte);
            code = usize::from(before);
        }
        self.pending.push(u8::try_from(code).map_err(|_| bad())?);
        Ok(())
    }

    fn step(&mut self) -> io::Result<()> {
        let code = self.code()?;
        if code == COMMAND {
            match self.code()? {
                1 if self.width < MAX_BITS => self.width = self.width.saturating_add(1),
                2 => self.clear(),
                _ => return Err(bad()),
            }
            return Ok(());
        }
        let Some((before, first)) = self.last else {
            self.spell(code)?;
            self.last = Some((code, u8::try_from(code).map_err(|_| bad())?));
            return Ok(());
        };
        // A code may stand for what is made only now: what was before, and its first byte.
        let is_new = code > 255 && self.table.get(code).is_none_or(Option::is_none);
        let prefix = u16::try_from(before).map_err(|_| bad())?;
        let next = self.next_free();
        if is_new && let Some(entry) = self.table.get_mut(code) {
            *entry = Some((prefix, first));
        }
        self.spell(code)?;
        let first = *self.pending.last().ok_or_else(bad)?;
        if let Some(entry) = next.and_then(|next| self.table.get_mut(next)) {
            *entry = Some((prefix, first));
        }
        self.last = Some((code, first));
        Ok(())
    }
}

impl Read for Shrink<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut made = 0_usize;
        for place in out {
            if self.left == 0 {
                break;
            }
            while self.pending.is_empty() {
                match self.step() {
                    Ok(()) => {}
                    Err(error) if made == 0 => return Err(error),
                    // What was made is kept; the next call meets the same end.
                    Err(_) => return Ok(made),
                }
            }
            let Some(byte) = self.pending.pop() else { break };
            *place = byte;
            self.left = self.left.saturating_sub(1);
            made = made.saturating_add(1);
        }
        Ok(made)
    }
}
