//! LZ4, one frame (LZ4 Frame Format 1.6.4) or one legacy frame.
//!
//! Limits: [`MAX_BLOCK`]; the history is [`WINDOW`]. Not handled: the checksums, which are passed
//! over, and dictionaries, without which a frame reads as broken.

use std::io::{self, BufRead, Read};

use super::Source;
use crate::bytes::{between, le32};

/// Starts a frame.
pub(crate) const MAGIC: u32 = 0x184d_2204;
/// Starts a legacy frame.
pub(crate) const LEGACY_MAGIC: u32 = 0x184c_2102;
/// Most compressed bytes of a block: a legacy block of 8 MiB that does not compress.
const MAX_BLOCK: u32 = (8 << 20) + (64 << 10);
/// How far back a match may reach, in bytes.
const WINDOW: usize = 64 * 1024;

/// The decoder.
pub(super) struct Lz4<'a> {
    source: Source<'a>,
    /// `None`: the frame's head is still to be read.
    frame: Option<Frame>,
    done: bool,
    /// The present block and how much of it is read.
    block: Vec<u8>,
    at: usize,
    /// Still to be copied: literals from the block, then a match from the history.
    literals: usize,
    /// The lower half of the token, until the match behind its literals is read.
    nibble: Option<u8>,
    matched: usize,
    distance: usize,
    /// What was made, the last of it.
    history: Vec<u8>,
}

/// What a frame's head says.
struct Frame {
    legacy: bool,
    block_checksums: bool,
    content_checksum: bool,
}

fn bad() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl<'a> Lz4<'a> {
    /// For a frame that stands at the start of `source`.
    pub(super) fn new(source: Source<'a>) -> Self {
        Self {
            source,
            frame: None,
            done: false,
            block: Vec::new(),
            at: 0,
            literals: 0,
            nibble: None,
            matched: 0,
            distance: 0,
            history: Vec::new(),
        }
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.source.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn head(&mut self) -> io::Result<Frame> {
        match self.number()? {
            LEGACY_MAGIC => Ok(Frame { legacy: true, block_checksums: false, content_checksum: false }),
            MAGIC => {
                let mut head = [0; 2];
                self.source.read_exact(&mut head)?;
                let flags = head[0];
                if flags >> 6 != 1 || flags & 1 != 0 {
                    return Err(bad());
                }
                // The content's size, when it is there, and the checksum of the head.
                let mut rest = [0; 9];
                let len = if flags & 8 != 0 { 9 } else { 1 };
                self.source.read_exact(rest.get_mut(..len).unwrap_or_default())?;
                Ok(Frame { legacy: false, block_checksums: flags & 16 != 0, content_checksum: flags & 4 != 0 })
            }
            _ => Err(bad()),
        }
    }

    /// Reads the next block; false at the frame's end.
    fn next_block(&mut self) -> io::Result<bool> {
        if self.frame.is_none() {
            self.frame = Some(self.head()?);
        }
        let Some(Frame { legacy, block_checksums, content_checksum }) = self.frame else { return Err(bad()) };
        // A legacy frame ends where the file does, or where another frame begins.
        let ahead = self.source.fill_buf()?;
        if legacy && (ahead.is_empty() || le32(ahead, 0).is_some_and(|word| word > MAX_BLOCK)) {
            return Ok(false);
        }
        let word = self.number()?;
        if word == 0 && !legacy {
            if content_checksum {
                self.number()?;
            }
            return Ok(false);
        }
        let stored = !legacy && word >> 31 == 1;
        let len = word & 0x7fff_ffff;
        if len > MAX_BLOCK {
            return Err(bad());
        }
        self.block.clear();
        self.at = 0;
        (&mut self.source).take(len.into()).read_to_end(&mut self.block)?;
        let cut = self.block.len() < len as usize;
        if block_checksums && !cut {
            self.number()?;
        }
        if stored {
            self.literals = self.block.len();
        }
        if cut && self.block.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(true) }
    }

    /// Reads the next token of the block, and how many literals follow it.
    fn token(&mut self) -> io::Result<()> {
        let token = self.byte()?;
        self.literals = usize::from(token >> 4);
        if self.literals == 15 {
            self.literals = self.literals.saturating_add(self.length()?);
        }
        self.nibble = Some(token & 15);
        if self.literals > self.block.len().saturating_sub(self.at) { Err(bad()) } else { Ok(()) }
    }

    /// Reads the match behind the literals of a token, whose lower half is `nibble`.
    fn find_match(&mut self, nibble: u8) -> io::Result<()> {
        let (low, high) = (self.byte()?, self.byte()?);
        self.distance = usize::from(u16::from_le_bytes([low, high]));
        self.matched = usize::from(nibble).saturating_add(4);
        if nibble == 15 {
            self.matched = self.matched.saturating_add(self.length()?);
        }
        if self.distance == 0 || self.distance > self.history.len() { Err(bad()) } else { Ok(()) }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let byte = *self.block.get(self.at).ok_or_else(bad)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    /// The rest of a length: bytes of 255 and one that is less.
    fn length(&mut self) -> io::Result<usize> {
        let mut sum = 0_usize;
        loop {
            let byte = self.byte()?;
            sum = sum.saturating_add(byte.into());
            if byte != 255 {
                return Ok(sum);
            }
        }
    }

    fn copy_literals(&mut self, most: usize) {
        let end = self.at.saturating_add(self.literals.min(most));
        let literals = between(&self.block, self.at, end);
        self.history.extend_from_slice(literals);
        self.literals = self.literals.saturating_sub(literals.len());
        self.at = end;
    }

    fn copy_match(&mut self, most: usize) {
        for _ in 0..self.matched.min(most) {
            let from = self.history.len().saturating_sub(self.distance);
            let byte = self.history.get(from).copied().unwrap_or_default();
            self.history.push(byte);
            self.matched = self.matched.saturating_sub(1);
        }
    }
}

impl Read for Lz4<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let excess = self.history.len().saturating_sub(WINDOW);
        if excess > WINDOW {
            self.history.drain(..excess);
        }
        let start = self.history.len();
        while self.history.len() == start && !self.done {
            if self.literals > 0 {
                self.copy_literals(out.len());
            } else if self.matched > 0 {
                self.copy_match(out.len());
            } else if self.at < self.block.len() {
                match self.nibble.take() {
                    Some(nibble) => self.find_match(nibble)?,
                    None => self.token()?,
                }
            } else {
                // The last token of a block has no match.
                self.nibble = None;
                self.done = !self.next_block()?;
            }
        }
        let made = between(&self.history, start, self.history.len());
        let Some(place) = out.get_mut(..made.len()) else { return Err(bad()) };
        place.copy_from_slice(made);
        Ok(made.len())
    }
}
