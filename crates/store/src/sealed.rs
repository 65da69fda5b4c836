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

use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::{hmac, rand};
use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::entry::{BackupId, NewEntry};
use crate::error::StoreError;
use crate::keys::Keys;

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

/// An opened file: the trailer has been checked, the body has not.
pub(crate) struct Opened<R> {
    /// What the file says about itself.
    pub(crate) trailer: Trailer,
    /// What it holds.
    pub(crate) kind: Kind,
    from: R,
    key: LessSafeKey,
    header: [u8; HEADER],
    body: u64,
}

impl<R: Read + Seek> Opened<R> {
    /// Opens a file and checks its header and trailer. Damage is an error that [`broken`] recognises.
    pub(crate) fn new(mut from: R, keys: &Keys) -> io::Result<Self> {
        let whole = from.seek(SeekFrom::End(0))?;
        let fixed = (HEADER + LENGTH) as u64;
        let inner = whole.checked_sub(fixed).ok_or_else(|| damage("the file is cut off"))?;
        from.seek(SeekFrom::Start(0))?;
        let mut header = [0u8; HEADER];
        from.read_exact(&mut header)?;
        let kind = match header {
            [b'M', b'W', b'B', b'1', 1, 1, 0, 0, ..] => Kind::Content,
            [b'M', b'W', b'B', b'1', 1, 2, 0, 0, ..] => Kind::Note,
            [b'M', b'W', b'B', ..] => return Err(damage("the file is damaged, or of a newer format")),
            _ => return Err(damage("the file is not a sealed message")),
        };
        from.seek(SeekFrom::Start(whole.saturating_sub(LENGTH as u64)))?;
        let mut length = [0u8; LENGTH];
        from.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        let body = inner.checked_sub(u64::from(length)).filter(|_| length as usize <= MAX_TRAILER);
        let body = body.ok_or_else(|| damage("the file is cut off or damaged"))?;
        from.seek(SeekFrom::Start(body.saturating_add(HEADER as u64)))?;
        let mut sealed = vec![0u8; length as usize];
        from.read_exact(&mut sealed)?;
        let key = keys.file_key(header.get(SALT_AT..).unwrap_or(&[])).map_err(io::Error::other)?;
        let plain = key
            .open_in_place(nonce(2, 0, true), Aad::from(trailer_aad(&header, body)), &mut sealed)
            .map_err(|_| damage("the file is damaged, or sealed with another key"))?;
        let trailer = serde_json::from_slice(plain).map_err(|_| damage("the file's trailer cannot be read"))?;
        from.seek(SeekFrom::Start(HEADER as u64))?;
        Ok(Self { trailer, kind, from, key, header, body })
    }

    /// The message's bytes, each chunk checked before it is given out. The whole is good when a read has
    /// returned `Ok(0)`; every damage is an error before that.
    pub(crate) fn into_body(self, keys: &Keys) -> Body<R> {
        let address = Address(self.trailer.address);
        let left = self.trailer.entry.size;
        let chunks = OpenChunks {
            from: self.from,
            key: self.key,
            header: self.header,
            left: self.body,
            number: 0,
            buffer: Vec::new(),
            start: 0,
            end: 0,
        };
        let check = Check::Running(Box::new(hmac::Context::with_key(&keys.address)));
        Body { plain: DeflateDecoder::new(chunks), check, address, left }
    }
}

/// Reads the chunks: a `BufRead` of the compressed body.
struct OpenChunks<R> {
    from: R,
    key: LessSafeKey,
    header: [u8; HEADER],
    /// Sealed bytes that are left.
    left: u64,
    number: u64,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: Read> OpenChunks<R> {
    /// Opens the next chunk into the buffer.
    fn next_chunk(&mut self) -> io::Result<()> {
        let length = self.left.min((CHUNK + TAG) as u64);
        self.left = self.left.saturating_sub(length);
        self.buffer.resize(length as usize, 0);
        self.from.read_exact(&mut self.buffer).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => damage("the file is cut off"),
            _ => e,
        })?;
        let nonce = nonce(1, self.number, self.left == 0);
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(self.header), &mut self.buffer)
            .map_err(|_| damage("a chunk of the message is damaged"))?;
        (self.start, self.end) = (0, plain.len());
        self.number = self.number.saturating_add(1);
        Ok(())
    }
}

impl<R: Read> Read for OpenChunks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut from = self.fill_buf()?;
        let read = from.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for OpenChunks<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end && self.left > 0 {
            self.next_chunk()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or(&[]))
    }

    fn consume(&mut self, amount: usize) {
        self.start = self.start.saturating_add(amount).min(self.end);
    }
}

/// How far the check of a body is.
enum Check {
    /// Bytes are still coming.
    Running(Box<hmac::Context>),
    /// All came and the address fits.
    Passed,
    /// Something is wrong; it stays so, whoever reads on.
    Failed(&'static str),
}

/// A kept message's bytes; see [`Opened::into_body`].
pub(crate) struct Body<R: Read> {
    plain: DeflateDecoder<OpenChunks<R>>,
    check: Check,
    address: Address,
    left: u64,
}

impl<R: Read> Body<R> {
    /// Reads on and checks what came; at the end nothing may follow, and the address must fit.
    fn read_checked(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(out)?;
        let Check::Running(context) = &mut self.check else { return Ok(0) };
        let (data, _) = out.split_at(read.min(out.len()));
        context.update(data);
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| damage("the message is longer than it was kept with"))?;
        if read > 0 {
            return Ok(read);
        }
        if self.left != 0 || !self.plain.get_mut().fill_buf()?.is_empty() {
            return Err(damage("the message has another length than it was kept with"));
        }
        if let Check::Running(context) = std::mem::replace(&mut self.check, Check::Passed)
            && context.sign().as_ref() != self.address.0
        {
            return Err(damage("the message is not the one that was kept"));
        }
        Ok(0)
    }
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.check {
            Check::Failed(what) => return Err(damage(what)),
            Check::Passed => return Ok(0),
            Check::Running(_) if out.is_empty() => return Ok(0),
            Check::Running(_) => {}
        }
        self.read_checked(out).map_err(|e| {
            let what = match (broken(&e), e.kind()) {
                (Some(what), _) => what,
                (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
                    "the compressed message is damaged"
                }
                _ => return e,
            };
            self.check = Check::Failed(what);
            damage(what)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use proptest::prelude::*;

    use super::{Address, CHUNK, HEADER, Kind, Opened, Sealer, TAG, Trailer, broken};
    use crate::entry::BackupId;
    use crate::keys::Keys;
    use crate::testing::entry;

    fn seal(keys: &Keys, data: &[u8]) -> (Vec<u8>, Address) {
        let mut sealer = Sealer::new(Vec::new(), Kind::Content, keys).unwrap();
        data.chunks(7_000).for_each(|piece| sealer.push(piece).unwrap());
        let describe = |address: Address| {
            let entry = entry(1_700_000_000_000, data.len() as u64);
            let trailer = Trailer { id: BackupId::new(1, 2), address: address.0, entry };
            Ok(serde_json::to_vec(&trailer).unwrap())
        };
        sealer.finish(describe).unwrap()
    }

    /// Reads a file to its end, with reads of `step` bytes.
    fn open(keys: &Keys, file: &[u8], step: usize) -> Result<Vec<u8>, &'static str> {
        let name = |e: std::io::Error| broken(&e).expect("damage has a name");
        let mut body = Opened::new(Cursor::new(file), keys).map_err(name)?.into_body(keys);
        let (mut out, mut buffer) = (Vec::new(), vec![0; step]);
        loop {
            match body.read(&mut buffer) {
                Ok(0) => return Ok(out),
                Ok(n) => out.extend_from_slice(&buffer[..n]),
                Err(e) => {
                    let again = body.read(&mut buffer).expect_err("damage stays");
                    assert_eq!(broken(&e), broken(&again));
                    return Err(name(e));
                }
            }
        }
    }

    /// Bytes that do not compress, so that chunk edges lie where the sizes say.
    fn noise(size: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        std::iter::repeat_with(next).take(size).collect()
    }

    #[test]
    fn sizes_around_the_edges_of_chunks_read_back() {
        let keys = Keys::random().unwrap();
        for chunks in [1, 2, 3] {
            for off in -40i64..40 {
                let data = noise((CHUNK as i64 * chunks + off) as usize, 9);
                let (file, _) = seal(&keys, &data);
                assert!(open(&keys, &file, 10_000).as_deref() == Ok(&data), "{}", data.len());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_read_back(size in 0usize..3 * CHUNK, seed in any::<u64>(), flat in any::<bool>(), step in 1usize..70_000) {
            let keys = Keys::random().unwrap();
            let data = if flat { vec![b'a'; size] } else { noise(size, seed) };
            let (file, _) = seal(&keys, &data);
            prop_assert!(open(&keys, &file, step.max(size / 50 + 1)).as_deref() == Ok(&data));
        }
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_detected() {
        let keys = Keys::random().unwrap();
        let data = noise(300, 5);
        let (file, _) = seal(&keys, &data);
        assert_eq!(open(&keys, &file, 100).as_deref(), Ok(&data[..]));
        for bit in 0..file.len() * 8 {
            let mut wrong = file.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&keys, &wrong, 100).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(open(&keys, &file[..length], 100).is_err(), "cut to {length}");
            assert!(open(&keys, &file[file.len() - length..], 100).is_err(), "only the last {length}");
        }
        for more in [&b"\0"[..], &[0; 4], &file] {
            assert!(open(&keys, &[&file, more].concat(), 100).is_err(), "{} bytes more", more.len());
        }
    }

    #[test]
    fn chunks_cannot_be_swapped_dropped_or_mixed() {
        let keys = Keys::random().unwrap();
        let data = noise(CHUNK * 3 + 100, 7);
        let (file, _) = seal(&keys, &data);
        let (other, _) = seal(&keys, &data);
        let at = |n: usize| HEADER + n * (CHUNK + TAG);
        let piece = |n: usize| &file[at(n)..at(n + 1)];
        let (head, tail) = (&file[..HEADER], &file[at(3)..]);
        let other_piece = &other[at(1)..at(2)];
        let wrong = [
            [head, piece(1), piece(0), piece(2), tail].concat(),
            [head, piece(0), piece(2), tail].concat(),
            [head, piece(0), piece(0), piece(1), piece(2), tail].concat(),
            [head, piece(0), other_piece, piece(2), tail].concat(),
            [&other[..HEADER], piece(0), piece(1), piece(2), tail].concat(),
        ];
        assert_eq!([head, piece(0), piece(1), piece(2), tail].concat(), file);
        for (case, wrong) in wrong.iter().enumerate() {
            assert!(open(&keys, wrong, 9_999).is_err(), "case {case}");
        }
    }

    #[test]
    fn damage_at_the_end_gives_out_no_byte_of_the_damaged_chunk() {
        let keys = Keys::random().unwrap();
        let data = noise(CHUNK * 2, 3);
        let (mut file, _) = seal(&keys, &data);
        let at = HEADER + CHUNK + TAG + 5;
        file[at] ^= 1;
        let mut body = Opened::new(Cursor::new(&file), &keys).unwrap().into_body(&keys);
        let mut out = Vec::new();
        assert!(body.read_to_end(&mut out).is_err());
        assert!(data.starts_with(&out), "what came before is the message's");
    }

    #[test]
    fn the_address_is_of_the_content_and_the_key() {
        let (a, b) = (Keys::random().unwrap(), Keys::random().unwrap());
        assert!(seal(&a, b"x").1 == seal(&a, b"x").1);
        assert!(seal(&a, b"x").0 != seal(&a, b"x").0, "each file has its own salt");
        assert!(seal(&a, b"x").1 != seal(&a, b"y").1);
        assert!(seal(&a, b"x").1 != seal(&b, b"x").1);
        assert!(open(&b, &seal(&a, b"x").0, 10).is_err());
    }

    #[test]
    fn nothing_of_the_message_is_readable_in_the_file() {
        let keys = Keys::random().unwrap();
        let (file, _) = seal(&keys, &b"very secret words ".repeat(20));
        for word in ["secret", "figures", "anna@example.org", "infected"] {
            assert!(!file.windows(word.len()).any(|w| w == word.as_bytes()), "{word}");
        }
    }
}
