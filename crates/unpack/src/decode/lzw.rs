//! LZW as `compress` writes it (`.Z`): codes of 9 to 16 bits, the lowest bit first, in groups of
//! eight codes.
//!
//! Limits: [`MAX_BITS`], and with it the table. The format has no end mark and no checksum, so a file
//! that was cut off reads as a whole one.

use std::io::{self, BufRead, Read};

use super::Source;

/// Shortest code, in bits.
const MIN_BITS: u32 = 9;
/// Longest code, in bits.
const MAX_BITS: u32 = 16;
/// Starts the table anew, in block mode.
const CLEAR: u16 = 256;

/// The decoder.
pub(super) struct Lzw<'a> {
    source: Source<'a>,
    bits: Bits,
    longest: u32,
    block: bool,
    /// What each code above 255 stands for: a shorter code, and a byte behind it.
    table: Vec<(u16, u8)>,
    /// The next free code.
    free: u32,
    /// The code before, and the first byte of what it stood for.
    last: Option<(u16, u8)>,
    /// What the present code stands for, the last byte first.
    pending: Vec<u8>,
}

/// The bits read so far.
struct Bits {
    held: u32,
    count: u32,
    /// Length of a code now.
    width: u32,
    /// Codes read since the width changed.
    codes: u32,
}

impl<'a> Lzw<'a> {
    /// `flags`: the third byte of the file.
    pub(super) fn new(source: Source<'a>, flags: u8) -> io::Result<Self> {
        let longest = u32::from(flags & 0x1f);
        if !(MIN_BITS..=MAX_BITS).contains(&longest) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let block = flags & 0x80 != 0;
        Ok(Self {
            source,
            bits: Bits { held: 0, count: 0, width: MIN_BITS, codes: 0 },
            longest,
            block,
            table: vec![(0, 0); 1 << longest],
            free: if block { 257 } else { 256 },
            last: None,
            pending: Vec::new(),
        })
    }

    /// Goes to the next group: what is left of this one is filler.
    fn next_group(&mut self, width: u32) -> io::Result<()> {
        while !self.bits.codes.is_multiple_of(8) && self.bits.read(&mut self.source)?.is_some() {}
        (self.bits.width, self.bits.codes) = (width, 0);
        Ok(())
    }

    /// Puts what the next code stands for into `pending`; false at the end.
    fn step(&mut self) -> io::Result<bool> {
        if self.bits.width < self.longest && self.free >> self.bits.width != 0 {
            self.next_group(self.bits.width.saturating_add(1))?;
        }
        let Some(code) = self.bits.read(&mut self.source)? else { return Ok(false) };
        if self.block && code == CLEAR && self.last.is_some() {
            self.next_group(MIN_BITS)?;
            // The entry that the next code makes is code 256, which can not be written.
            self.free = 256;
            return Ok(true);
        }
        let Some((last, first)) = self.last else {
            let byte = u8::try_from(code).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            self.last = Some((code, byte));
            self.pending.push(byte);
            return Ok(true);
        };
        let mut walk = code;
        if u32::from(code) >= self.free {
            if u32::from(code) > self.free {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.pending.push(first);
            walk = last;
        }
        while let Some((shorter, byte)) = self.entry(walk) {
            if self.pending.len() > self.table.len() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.pending.push(byte);
            walk = shorter;
        }
        let byte = (walk & 0xff) as u8;
        self.pending.push(byte);
        if let Some(entry) = self.table.get_mut(self.free as usize) {
            *entry = (last, byte);
            self.free = self.free.saturating_add(1);
        }
        self.last = Some((code, byte));
        Ok(true)
    }

    fn entry(&self, code: u16) -> Option<(u16, u8)> {
        if code < 256 { None } else { self.table.get(usize::from(code)).copied() }
    }
}

impl Bits {
    fn read(&mut self, source: &mut Source<'_>) -> io::Result<Option<u16>> {
        while self.count < self.width {
            let Some(&byte) = source.fill_buf()?.first() else { return Ok(None) };
            source.consume(1);
            self.held |= u32::from(byte) << self.count;
            self.count = self.count.saturating_add(8);
        }
        let code = self.held & !(u32::MAX << self.width);
        self.held >>= self.width;
        self.count = self.count.saturating_sub(self.width);
        self.codes = self.codes.saturating_add(1);
        Ok(u16::try_from(code).ok())
    }
}

impl Read for Lzw<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut made = 0_usize;
        for place in out {
            while self.pending.is_empty() {
                if !self.step()? {
                    return Ok(made);
                }
            }
            *place = self.pending.pop().unwrap_or_default();
            made = made.saturating_add(1);
        }
        Ok(made)
    }
}
