//! The sealed file: one message, compressed and encrypted, with what is known of it (spec BK-03).
//!
//! ```text
//! header    "MWB1", version 1, kind, two zeros, 16 random bytes (salt)          24 bytes
//! body      chunks of at most 64 KiB, each AES-256-GCM with a tag of 16 bytes
//! trailer   JSON of `Trailer`, AES-256-GCM
//! length    of the trailer, big endian                                           4 bytes
//! ```
//! Each file has a key of its own, made from the salt, so that nonces are counters: section, number of the
//! chunk, and a flag on the last chunk (the STREAM construction). The header is authenticated with every
//! chunk and the body's length with the trailer. Cutting, swapping, extending or mixing files is detected:
//! what the trailer covers when a file is opened, the rest chunk by chunk before a byte of it is given out.
//! The body is raw deflate (RFC 1951). A kept message's body ends with a check of its keyed address.
//!
//! Limits: [`MAX_TRAILER`]. Not handled: reading from the middle.

mod open;

use std::io::{self, Write};

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::{hmac, rand};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::entry::{BackupId, NewEntry};
use crate::error::StoreError;
use crate::keys::Keys;

pub(crate) use open::{Body, Opened};

/// Most bytes of a sealed trailer.
pub(crate) const MAX_TRAILER: usize = 4 * 1024 * 1024;
/// Plain bytes in a chunk.
pub(crate) const CHUNK: usize = 64 * 1024;
/// Bytes of an AES-GCM tag.
const TAG: usize = 16;
/// Bytes of the header.
const HEADER: usize = 24;
/// Where the salt stands in it.
const SALT_AT: usize = 8;
/// Bytes of the length at the end.
const LENGTH: usize = 4;

/// What a sealed file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A message's bytes, and the entry that brought them.
    Content = 1,
    /// A further entry of the same bytes; no body.
    Note = 2,
    /// A message on its way out, in the outbox.
    Queued = 3,
}

/// The keyed name of a message's bytes: HMAC-SHA256 under the address key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address(pub(crate) [u8; 32]);

impl Address {
    /// From a database column or a file name; `None` if it has not 32 bytes.
    pub(crate) fn from_slice(data: &[u8]) -> Option<Self> {
        data.try_into().ok().map(Self)
    }
}

/// What a sealed file says about itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Trailer {
    /// The entry's name.
    pub(crate) id: BackupId,
    /// The address of the message's bytes.
    pub(crate) address: [u8; 32],
    /// The entry; its size is the number of those bytes.
    pub(crate) entry: NewEntry,
}

/// Why a sealed file is not what was sealed; the text is for the operator.
#[derive(Debug)]
pub(crate) struct Broken(pub(crate) &'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

/// An I/O error that stands for damage; [`broken`] finds it again.
fn damage(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Broken(what))
}

/// What is damaged, if that is what an I/O error says.
pub(crate) fn broken(error: &io::Error) -> Option<&'static str> {
    error.get_ref()?.downcast_ref::<Broken>().map(|b| b.0)
}

/// Nonce of a chunk: section, its number, whether it is the last.
fn nonce(section: u8, number: u64, last: bool) -> Nonce {
    let mut out = [0u8; 12];
    let number = number.to_be_bytes();
    let parts = std::iter::once(section).chain([0, 0]).chain(number).chain([u8::from(last)]);
    for (to, from) in out.iter_mut().zip(parts) {
        *to = from;
    }
    Nonce::assume_unique_for_key(out)
}

/// What the trailer's tag covers beside it: the header and the length of the body.
fn trailer_aad(header: &[u8; HEADER], body: u64) -> Vec<u8> {
    header.iter().copied().chain(body.to_be_bytes()).collect()
}

/// Writes the chunks: a `Write` for the compressed body.
struct Chunks<W: Write> {
    to: W,
    key: LessSafeKey,
    header: [u8; HEADER],
    number: u64,
    plain: Vec<u8>,
    written: u64,
}

impl<W: Write> Chunks<W> {
    /// Seals what is in the buffer as the next chunk.
    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = nonce(1, self.number, last);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(self.header), &mut self.plain)
            .map_err(|_| io::Error::other(StoreError::Crypto))?;
        self.to.write_all(&self.plain)?;
        self.written = self.written.saturating_add(self.plain.len() as u64);
        self.number = self.number.saturating_add(1);
        self.plain.clear();
        Ok(())
    }
}

impl<W: Write> Write for Chunks<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // A full chunk waits until there is more, because only then it is not the last one.
        if self.plain.len() == CHUNK && !data.is_empty() {
            self.seal(false)?;
        }
        let room = CHUNK.saturating_sub(self.plain.len());
        let (now, _) = data.split_at(room.min(data.len()));
        self.plain.extend_from_slice(now);
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Seals one file into a writer: the message's bytes are written to it, then [`Sealer::finish`].
pub(crate) struct Sealer<W: Write> {
    body: DeflateEncoder<Chunks<W>>,
    address: hmac::Context,
}

impl<W: Write> Sealer<W> {
    /// Begins a file: writes the header. Errors are those of the writer.
    pub(crate) fn new(mut to: W, kind: Kind, keys: &Keys) -> io::Result<Self> {
        let mut salt = [0u8; 16];
        rand::fill(&mut salt).map_err(|_| io::Error::other(StoreError::Crypto))?;
        let mut header = [0u8; HEADER];
        let parts = b"MWB1".iter().copied().chain([1, kind as u8, 0, 0]).chain(salt);
        for (to, from) in header.iter_mut().zip(parts) {
            *to = from;
        }
        to.write_all(&header)?;
        let key = keys.file_key(&salt).map_err(io::Error::other)?;
        // Room for the tag, so that sealing never moves the buffer.
        let plain = Vec::with_capacity(CHUNK.saturating_add(TAG));
        let chunks = Chunks { to, key, header, number: 0, plain, written: 0 };
        let body = DeflateEncoder::new(chunks, Compression::fast());
        Ok(Self { body, address: hmac::Context::with_key(&keys.address) })
    }

    /// Takes some of the message's bytes.
    pub(crate) fn push(&mut self, data: &[u8]) -> io::Result<()> {
        self.address.update(data);
        self.body.write_all(data)
    }

    /// Ends the body and writes the trailer that `trailer` makes from the address of the bytes.
    pub(crate) fn finish(
        self,
        trailer: impl FnOnce(Address) -> Result<Vec<u8>, StoreError>,
    ) -> io::Result<(W, Address)> {
        let tag = self.address.sign();
        let address = Address::from_slice(tag.as_ref()).ok_or_else(|| io::Error::other(StoreError::Crypto))?;
        let mut chunks = self.body.finish()?;
        chunks.seal(true)?;
        let mut sealed = trailer(address).map_err(io::Error::other)?;
        let aad = Aad::from(trailer_aad(&chunks.header, chunks.written));
        chunks
            .key
            .seal_in_place_append_tag(nonce(2, 0, true), aad, &mut sealed)
            .map_err(|_| io::Error::other(StoreError::Crypto))?;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        chunks.to.write_all(&sealed)?;
        chunks.to.write_all(&length.to_be_bytes())?;
        Ok((chunks.to, address))
    }
}

#[cfg(test)]
mod tests;
