//! PPMd: variant H as 7z has it, variant I as zip has it.
//!
//! Limit: [`MAX_MEMORY`]; what a model does depends on how much memory it may use, so no less can
//! be made than the stream states. The size of the content ends the stream.

use std::io::{self, Read};

use ppmd_rust::{Ppmd7Decoder, Ppmd8Decoder, RestoreMethod};

use super::{Guarded, Source};
use crate::bytes::le16;

/// Most memory of a model, in bytes: what 7-Zip uses at its highest level.
const MAX_MEMORY: u32 = 192 * 1024 * 1024;

fn bad<E>(_: E) -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// How much work it is to make a model, in fuel; `input` is the stream.
pub(super) fn fuel_of_zip(input: &[u8]) -> u64 {
    let memory = u64::from(le16(input, 0).unwrap_or_default() >> 4 & 0xff).saturating_add(1) << 20;
    memory.min(MAX_MEMORY.into()) >> 3
}

/// Variant I as zip has it (APPNOTE 5.10): order, memory and method of restoring in two bytes.
pub(super) fn of_zip<'a>(mut source: Source<'a>, size: Option<u64>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = [0; 2];
    source.read_exact(&mut head)?;
    let word = u32::from(le16(&head, 0).unwrap_or_default());
    let (order, memory) = ((word & 15).saturating_add(1), (word >> 4 & 0xff).saturating_add(1) << 20);
    if memory > MAX_MEMORY {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let restore = RestoreMethod::from(word >> 12);
    let decoder = Ppmd8Decoder::new(source, order, memory, restore).map_err(bad)?;
    Ok(Box::new(Guarded(Some(decoder.take(size.unwrap_or(u64::MAX))))))
}

/// Variant H as 7z has it, with what the coder's properties say.
pub(crate) fn of_7z<'a>(source: impl Read + 'a, order: u32, memory: u32, size: u64) -> io::Result<Box<dyn Read + 'a>> {
    if memory > MAX_MEMORY {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let decoder = Ppmd7Decoder::new(source, order, memory).map_err(bad)?;
    Ok(Box::new(Guarded(Some(decoder.take(size)))))
}
