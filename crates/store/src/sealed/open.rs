//! Opening a sealed file: the trailer at once, the body chunk by chunk.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use aws_lc_rs::aead::{Aad, LessSafeKey};
use aws_lc_rs::hmac;
use flate2::bufread::DeflateDecoder;

use super::{
    Address, CHUNK, HEADER, Kind, LENGTH, MAX_TRAILER, SALT_AT, TAG, Trailer, broken, damage, nonce, trailer_aad,
};
use crate::keys::Keys;

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
            [b'M', b'W', b'B', b'1', 1, 3, 0, 0, ..] => Kind::Queued,
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
