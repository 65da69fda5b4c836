//! LZMA in its several heads.
//!
//! Limit: [`MAX_DICTIONARY`]. A dictionary larger than the content is never reached, so only as much
//! as is needed is made.

use std::io::{self, Read};

use lzma_rust2::LzmaReader;

use super::{MAX_DICTIONARY, Source};
use crate::bytes::{le16, le32};

/// LZMA as zip has it: two bytes of version, the length of the properties (5), the properties.
pub(super) fn of_zip<'a>(mut source: Source<'a>, size: Option<u64>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = [0; 9];
    source.read_exact(&mut head)?;
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    if le16(&head, 2) != Some(5) {
        return Err(bad());
    }
    let properties = *head.get(4).ok_or_else(bad)?;
    raw(source, properties, le32(&head, 5).ok_or_else(bad)?, size)
}

/// LZMA without a head.
pub(super) fn raw<'a>(
    source: Source<'a>,
    properties: u8,
    dictionary: u32,
    size: Option<u64>,
) -> io::Result<Box<dyn Read + 'a>> {
    let needed = u64::from(dictionary).min(size.unwrap_or(u64::MAX));
    if needed > u64::from(MAX_DICTIONARY) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let dictionary = u32::try_from(needed).unwrap_or(MAX_DICTIONARY);
    let mut reader = LzmaReader::new_with_props(source, size.unwrap_or(u64::MAX), properties, dictionary, None)?;
    // What was read in front of damage is content, too.
    reader.set_defer_errors(true);
    Ok(Box::new(Exact(Some(reader))))
}

/// At the end of the stream gives back what the reader has read ahead.
struct Exact<'a>(Option<LzmaReader<Source<'a>>>);

impl Read for Exact<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = self.0.as_mut() else { return Ok(0) };
        let read = reader.read(out)?;
        if read == 0
            && !out.is_empty()
            && let Some(reader) = self.0.take()
        {
            let (source, unused) = reader.into_parts();
            source.give_back(unused.len());
        }
        Ok(read)
    }
}
