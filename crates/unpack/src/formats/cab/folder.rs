//! One folder of a cabinet: blocks of data, decoded one after the other.
//!
//! Limits: a block gives at most [`MAX_BLOCK`]; windows are those of the formats (32 KiB, 2 MiB of LZX
//! and Quantum).

use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::{Decompress, FlushDecompress, Status};
use lzxd::{Lzxd, WindowSize};
use mail::evidence::UnscannedReason;

use super::quantum::Quantum;
use crate::bytes::{between, le16, le32, take};

/// Most bytes that a block gives.
const MAX_BLOCK: usize = 32 * 1024;

/// Why a folder cannot be read on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Damaged,
    /// A method that is not read here.
    Unknown,
    Limit(UnscannedReason),
}

/// How a folder is packed.
enum Method {
    Stored,
    MsZip,
    Quantum(Box<Quantum>),
    Lzx(Box<Lzxd>),
    Unknown,
}

/// A folder that is being read.
pub(super) struct Folder {
    pub(super) index: u16,
    /// Where the next block stands, and how many there are.
    next: usize,
    blocks: u16,
    reserve: usize,
    method: Method,
    /// The present block, unpacked, and how much of it was taken.
    block: Vec<u8>,
    taken: usize,
    /// How much was taken of the folder, in bytes.
    at: u64,
    /// How much of the cabinet was read.
    read: u64,
    wrong_sum: bool,
    fault: Option<Fault>,
}

impl Folder {
    pub(super) fn new(index: u16, start: usize, blocks: u16, method: u16, reserve: usize) -> Self {
        let bits = (method >> 8 & 0x1f) as u8;
        let window = match bits {
            15 => Some(WindowSize::KB32),
            16 => Some(WindowSize::KB64),
            17 => Some(WindowSize::KB128),
            18 => Some(WindowSize::KB256),
            19 => Some(WindowSize::KB512),
            20 => Some(WindowSize::MB1),
            21 => Some(WindowSize::MB2),
            _ => None,
        };
        let method = match (method & 15, window) {
            (0, _) => Method::Stored,
            (1, _) => Method::MsZip,
            (2, _) => Quantum::new(bits).map_or(Method::Unknown, |state| Method::Quantum(Box::new(state))),
            (3, Some(window)) => Method::Lzx(Box::new(Lzxd::new(window))),
            _ => Method::Unknown,
        };
        Self {
            index,
            next: start,
            blocks,
            reserve,
            method,
            block: Vec::new(),
            taken: 0,
            at: 0,
            read: 0,
            wrong_sum: false,
            fault: None,
        }
    }

    /// How much was taken, in bytes of content.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// How much of the cabinet was read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Whether the checksum of a block was wrong.
    pub(super) fn wrong_sum(&self) -> bool {
        self.wrong_sum
    }

    /// The next bytes of content, at least one, at most up to `end`.
    pub(super) fn take(&mut self, data: &[u8], end: u64) -> Result<&[u8], Fault> {
        while self.taken >= self.block.len() {
            if let Some(fault) = self.fault {
                return Err(fault);
            }
            if let Err(fault) = self.next_block(data) {
                self.fault = Some(fault);
                return Err(fault);
            }
        }
        let most = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let piece = between(&self.block, self.taken, self.taken.saturating_add(most));
        self.taken = self.taken.saturating_add(piece.len());
        self.at = self.at.saturating_add(piece.len() as u64);
        Ok(piece)
    }

    fn next_block(&mut self, data: &[u8]) -> Result<(), Fault> {
        self.blocks = self.blocks.checked_sub(1).ok_or(Fault::Damaged)?;
        let head = take(data, self.next, 8).ok_or(Fault::Damaged)?;
        let (sum, packed, size) = (le32(head, 0), le16(head, 4), le16(head, 6));
        let size = usize::from(size.unwrap_or(0));
        let start = self.next.saturating_add(8).saturating_add(self.reserve);
        let bytes = take(data, start, packed.unwrap_or(0).into()).ok_or(Fault::Damaged)?;
        self.next = start.saturating_add(bytes.len());
        self.read = self.read.saturating_add(bytes.len() as u64);
        if sum.is_some_and(|sum| sum != 0 && sum != checksum(between(head, 4, 8), checksum(bytes, 0))) {
            self.wrong_sum = true;
        }
        if size == 0 || size > MAX_BLOCK {
            return Err(Fault::Damaged);
        }
        self.block = match &mut self.method {
            Method::Stored => bytes.to_vec(),
            Method::MsZip => ms_zip(bytes, &self.block)?,
            // What came before the damage is kept, and there is no next block.
            Method::Quantum(state) => {
                let made = state.block(bytes, size);
                if made.len() < size {
                    self.blocks = 0;
                }
                made
            }
            Method::Lzx(state) => {
                let made = catch_unwind(AssertUnwindSafe(|| state.decompress_next(bytes, size).map(<[u8]>::to_vec)));
                made.ok().and_then(Result::ok).ok_or(Fault::Damaged)?
            }
            Method::Unknown => return Err(Fault::Unknown),
        };
        self.taken = 0;
        if self.block.is_empty() { Err(Fault::Damaged) } else { Ok(()) }
    }
}

/// A block of MSZIP: two letters, then Deflate with the block before as its history.
fn ms_zip(bytes: &[u8], before: &[u8]) -> Result<Vec<u8>, Fault> {
    let packed = bytes.strip_prefix(b"CK").ok_or(Fault::Damaged)?;
    let mut state = Decompress::new(false);
    if !before.is_empty() {
        state.set_dictionary(before).map_err(|_| Fault::Damaged)?;
    }
    let mut out = Vec::with_capacity(MAX_BLOCK);
    match state.decompress_vec(packed, &mut out, FlushDecompress::Finish) {
        Ok(Status::StreamEnd) => Ok(out),
        // What came before the damage is kept, and the next block then fails.
        _ if !out.is_empty() => Ok(out),
        _ => Err(Fault::Damaged),
    }
}

/// The checksum of a block (MS-CAB, 3.1): words, one put on the other.
fn checksum(bytes: &[u8], seed: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let sum = words.iter().fold(seed, |sum, word| sum ^ u32::from_le_bytes(*word));
    sum ^ rest.iter().fold(0, |last, byte| last << 8 | u32::from(*byte))
}
