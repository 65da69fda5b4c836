//! The frames between pool and worker: a fixed header, then the lengths it states.
//!
//! A request comes from the daemon and is trusted; a reply comes from a process that parsed what
//! a sender wrote, and is not. [`ReplyReader`] checks every number against the limits before it
//! is used, and never makes room for more than one step beyond what has come.
//!
//! All numbers are little-endian: both ends are the same program on the same machine.

use crate::{Limits, Reply};

/// Length of a request's header.
pub(crate) const REQUEST_HEADER: usize = 40;

/// Length of a reply's header; the lengths of the blobs follow it.
const REPLY_HEADER: usize = 24;

/// Length of one entry of the table of blobs.
const BLOB_ENTRY: usize = 8;

/// Most room that is made ahead of what has come.
const READ_STEP: usize = 256 << 10;

/// The first bytes of every request.
const REQUEST_MAGIC: [u8; 4] = *b"MwQ\x01";

/// The first bytes of every reply.
const REPLY_MAGIC: [u8; 4] = *b"MwR\x01";

/// Raised with every change of the frames.
const VERSION: u16 = 1;

/// How the body comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BodyKind {
    /// After the request, in the socket.
    Inline,
    /// As a descriptor beside the header.
    Descriptor,
}

/// What stands at the start of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RequestHeader {
    /// How the body comes.
    pub(crate) kind: BodyKind,
    /// The number of the message; the reply repeats it.
    pub(crate) sequence: u64,
    /// Bytes of the request.
    pub(crate) request_len: u64,
    /// Bytes of the body.
    pub(crate) body_len: u64,
    /// After how many milliseconds the job is asked to stop.
    pub(crate) soft_ms: u32,
    /// Processor time for this message, in seconds.
    pub(crate) cpu_seconds: u32,
}

impl RequestHeader {
    /// Its bytes.
    pub(crate) fn encode(&self) -> [u8; REQUEST_HEADER] {
        let kind: u16 = match self.kind {
            BodyKind::Inline => 0,
            BodyKind::Descriptor => 1,
        };
        let mut out = [0; REQUEST_HEADER];
        let parts: [&[u8]; 8] = [
            &REQUEST_MAGIC,
            &VERSION.to_le_bytes(),
            &kind.to_le_bytes(),
            &self.sequence.to_le_bytes(),
            &self.request_len.to_le_bytes(),
            &self.body_len.to_le_bytes(),
            &self.soft_ms.to_le_bytes(),
            &self.cpu_seconds.to_le_bytes(),
        ];
        for (to, from) in out.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        out
    }

    /// Reads it; `None` if it is not one of this version.
    pub(crate) fn decode(bytes: &[u8; REQUEST_HEADER]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take::<4>()? != REQUEST_MAGIC || fields.u16()? != VERSION {
            return None;
        }
        let kind = match fields.u16()? {
            0 => BodyKind::Inline,
            1 => BodyKind::Descriptor,
            _ => return None,
        };
        Some(Self {
            kind,
            sequence: fields.u64()?,
            request_len: fields.u64()?,
            body_len: fields.u64()?,
            soft_ms: fields.u32()?,
            cpu_seconds: fields.u32()?,
        })
    }
}

/// The header, table and bytes of a reply; the blobs follow as they are.
pub(crate) fn encode_reply(sequence: u64, reply: &Reply) -> Vec<u8> {
    let count = u16::try_from(reply.blobs.len()).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(REPLY_HEADER + BLOB_ENTRY * usize::from(count) + reply.bytes.len());
    out.extend_from_slice(&REPLY_MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&(reply.bytes.len() as u64).to_le_bytes());
    for blob in reply.blobs.iter().take(usize::from(count)) {
        out.extend_from_slice(&(blob.len() as u64).to_le_bytes());
    }
    out.extend_from_slice(&reply.bytes);
    out
}

/// A reply on its way in.
pub(crate) struct ReplyReader {
    sequence: u64,
    limits: Limits,
    buffer: Vec<u8>,
    layout: Option<Layout>,
}

/// What a checked header and table say.
struct Layout {
    bytes_at: usize,
    bytes_len: usize,
    blobs: Vec<usize>,
    total: usize,
}

impl ReplyReader {
    /// Waits for the reply to this message.
    pub(crate) fn new(sequence: u64, limits: Limits) -> Self {
        Self { sequence, limits, buffer: Vec::new(), layout: None }
    }

    /// Where the next bytes are to be appended, with some room made.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        let missing = match &self.layout {
            Some(layout) => layout.total.saturating_sub(self.buffer.len()),
            None => READ_STEP / 16,
        };
        // One byte more than is due, so that too much is noticed.
        self.buffer.reserve(missing.min(READ_STEP) + 1);
        &mut self.buffer
    }

    /// Looks at what has come. True when the reply is complete; an error says what is wrong.
    pub(crate) fn check(&mut self) -> Result<bool, String> {
        if self.layout.is_none() {
            self.layout = self.read_layout()?;
        }
        let Some(layout) = &self.layout else { return Ok(false) };
        if self.buffer.len() > layout.total {
            return Err("more bytes than the header states".into());
        }
        Ok(self.buffer.len() == layout.total)
    }

    /// Reads the header and the table, if they are there.
    fn read_layout(&self) -> Result<Option<Layout>, String> {
        let mut fields = Fields(&self.buffer);
        let Some(magic) = fields.take::<4>() else { return Ok(None) };
        if magic != REPLY_MAGIC {
            return Err("not a reply".into());
        }
        let (Some(version), Some(count), Some(sequence), Some(bytes_len)) =
            (fields.u16(), fields.u16(), fields.u64(), fields.u64())
        else {
            return Ok(None);
        };
        if version != VERSION {
            return Err(format!("version {version}"));
        }
        if sequence != self.sequence {
            return Err("the reply to another message".into());
        }
        let bytes_len = bounded(bytes_len, self.limits.reply_max).ok_or("a reply over the limit")?;
        let count = usize::from(count);
        if count > self.limits.blobs_max {
            return Err("more blobs than the limit".into());
        }
        if fields.0.len() < count * BLOB_ENTRY {
            return Ok(None);
        }
        let mut blobs = Vec::with_capacity(count);
        let mut left = self.limits.blob_bytes_max;
        for _ in 0..count {
            let length = fields.u64().and_then(|length| bounded(length, left)).ok_or("blobs over the limit")?;
            left -= length;
            blobs.push(length);
        }
        let bytes_at = REPLY_HEADER + count * BLOB_ENTRY;
        let blob_bytes = self.limits.blob_bytes_max - left;
        let total = bytes_at.checked_add(bytes_len).and_then(|sum| sum.checked_add(blob_bytes));
        let total = total.ok_or("lengths out of range")?;
        Ok(Some(Layout { bytes_at, bytes_len, blobs, total }))
    }

    /// The reply, once [`ReplyReader::check`] said that it is complete.
    pub(crate) fn finish(self) -> Option<Reply> {
        let Layout { bytes_at, bytes_len, blobs, total } = self.layout?;
        let mut rest = self.buffer;
        if rest.len() != total {
            return None;
        }
        let bytes = rest.get(bytes_at..)?.get(..bytes_len)?.to_vec();
        let mut out = Reply { bytes, blobs: Vec::with_capacity(blobs.len()) };
        // From the last to the first: each split copies one blob and no other.
        for length in blobs.into_iter().rev() {
            out.blobs.push(rest.split_off(rest.len().checked_sub(length)?));
        }
        out.blobs.reverse();
        Some(out)
    }
}

/// A length that is within its limit.
fn bounded(length: u64, limit: usize) -> Option<usize> {
    usize::try_from(length).ok().filter(|&length| length <= limit)
}

/// A cursor over a header.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

/// Feeds a reader with bytes in pieces, as the socket would, and asserts what must hold for any
/// bytes: no more room than limits and arrival justify, no reply over the limits.
pub(crate) fn drive(data: &[u8], piece: usize) -> Option<Reply> {
    let limits = Limits { reply_max: 4096, blobs_max: 4, blob_bytes_max: 8192, ..Limits::default() };
    let mut reader = ReplyReader::new(7, limits);
    for piece in data.chunks(piece.max(1)) {
        reader.room().extend_from_slice(piece);
        assert!(reader.buffer.capacity() <= 2 * reader.buffer.len() + READ_STEP, "room without need");
        match reader.check() {
            Err(text) => {
                assert!(!text.is_empty());
                return None;
            }
            Ok(false) => {}
            Ok(true) => {
                let reply = reader.finish().expect("a complete reply");
                assert!(reply.bytes.len() <= limits.reply_max && reply.blobs.len() <= limits.blobs_max);
                assert!(reply.blobs.iter().map(Vec::len).sum::<usize>() <= limits.blob_bytes_max);
                return Some(reply);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(sequence: u64, reply: &Reply) -> Vec<u8> {
        let mut out = encode_reply(sequence, reply);
        reply.blobs.iter().for_each(|blob| out.extend_from_slice(blob));
        out
    }

    fn example() -> Reply {
        Reply { bytes: b"report".to_vec(), blobs: vec![b"one".to_vec(), Vec::new(), b"three".to_vec()] }
    }

    /// The first error of a reader that gets these bytes at once.
    fn error(data: &[u8]) -> Option<String> {
        let limits = Limits { reply_max: 4096, blobs_max: 4, blob_bytes_max: 8192, ..Limits::default() };
        let mut reader = ReplyReader::new(7, limits);
        reader.room().extend_from_slice(data);
        reader.check().err()
    }

    #[test]
    fn a_request_header_survives_its_encoding() {
        let header = RequestHeader {
            kind: BodyKind::Descriptor,
            sequence: 3,
            request_len: 1 << 33,
            body_len: 5,
            soft_ms: 6,
            cpu_seconds: 7,
        };
        assert_eq!(RequestHeader::decode(&header.encode()), Some(header));
        let mut other = header.encode();
        other[4] ^= 0x40;
        assert_eq!(RequestHeader::decode(&other), None);
    }

    #[test]
    fn a_reply_arrives_in_pieces_of_any_size() {
        let data = whole(7, &example());
        for piece in 1..=data.len() {
            assert_eq!(drive(&data, piece), Some(example()), "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_not_a_reply_is_refused_with_its_reason() {
        let edit = |at: usize, bytes: &[u8]| {
            let mut data = whole(7, &example());
            data[at..at + bytes.len()].copy_from_slice(bytes);
            data
        };
        let cases: [(&str, Vec<u8>); 8] = [
            ("not a reply", b"HTTP/1.1 200 OK\r\n".to_vec()),
            ("version 2", edit(4, &[2])),
            ("more blobs than the limit", edit(6, &[5])),
            ("the reply to another message", edit(8, &[8])),
            ("a reply over the limit", edit(16, &4097u64.to_le_bytes())),
            ("a reply over the limit", edit(16, &u64::MAX.to_le_bytes())),
            ("blobs over the limit", edit(24, &8193u64.to_le_bytes())),
            ("blobs over the limit", edit(24, &u64::MAX.to_le_bytes())),
        ];
        for (reason, data) in cases {
            assert_eq!(error(&data).as_deref(), Some(reason));
        }
        let blobs = Reply { blobs: vec![vec![0; 5000], vec![0; 5000]], ..Reply::default() };
        assert_eq!(error(&whole(7, &blobs)).as_deref(), Some("blobs over the limit"));
        let mut long = whole(7, &example());
        long.push(0);
        assert_eq!(error(&long).as_deref(), Some("more bytes than the header states"));
    }

    #[test]
    fn a_reply_that_is_cut_short_is_never_complete() {
        let data = whole(7, &example());
        for length in 0..data.len() {
            assert_eq!(drive(&data[..length], 3), None, "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_reply_within_the_limits_arrives(
            bytes in proptest::collection::vec(any::<u8>(), 0..4096),
            blobs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..2048), 0..=4),
            piece in 1usize..5000,
        ) {
            let reply = Reply { bytes, blobs };
            prop_assert_eq!(drive(&whole(7, &reply), piece), Some(reply));
        }

        #[test]
        fn changed_bytes_never_break_the_limits(
            changes in proptest::collection::vec((0usize..64, any::<u8>()), 1..6),
            piece in 1usize..100,
        ) {
            let mut data = whole(7, &example());
            for (at, byte) in changes {
                if let Some(place) = data.get_mut(at) { *place = byte; }
            }
            drive(&data, piece);
        }
    }
}
