//! Content in chunks (BDAT, RFC 3030): each says its size before its octets come, so that nothing in them is ever
//! looked at as a command, whatever is thought of them.
//!
//! Sizes are checked 64-bit numbers. The octets of a refused chunk are read and thrown away; one whose size cannot be
//! read ends the session, because nobody knows where the next command begins. Nothing is allocated by an announced size.
//! A chunk of less than [`SMALL_CHUNK`] octets counts as a command, so that they cannot be endless.

use super::event::{ContentFault, Event};
use super::{Asked, CONTENT_CHUNK, Phase, Server};
use crate::octets::{OctetReader, Octets};
use crate::smtp::command;
use crate::smtp::reply::Reply;

/// Chunks of at least this many octets do not count as commands.
const SMALL_CHUNK: u64 = 1024;

/// The chunk whose octets come.
pub(super) struct Chunk {
    size: u64,
    left: u64,
    last: bool,
    /// Its octets are thrown away.
    refusal: Option<Reply>,
}

impl Chunk {
    pub(super) fn ended(&self) -> bool {
        self.left == 0
    }
}

/// A message that comes in chunks.
pub(super) struct Chunks {
    octets: OctetReader,
    size: u64,
    fault: Option<ContentFault>,
}

impl Chunks {
    fn new(octets: Octets) -> Self {
        Chunks { octets: OctetReader::new(octets), size: 0, fault: None }
    }

    /// A piece of content, as far as it is wanted.
    fn read(&mut self, piece: &[u8], max_size: u64) -> Option<Event> {
        let mut out = Vec::with_capacity(piece.len());
        self.octets.push(piece, &mut out);
        self.took(out, max_size)
    }

    fn took(&mut self, out: Vec<u8>, max_size: u64) -> Option<Event> {
        self.size = self.size.saturating_add(u64::try_from(out.len()).unwrap_or(u64::MAX));
        let too_large = (max_size != 0 && self.size > max_size).then_some(ContentFault::TooLarge);
        self.fault = self.fault.or(too_large).or(self.octets.fault().map(ContentFault::LineEnd));
        (self.fault.is_none() && !out.is_empty()).then_some(Event::Content(out))
    }

    /// Whether this many octets more are too many; no more of them is wanted then.
    fn announced(&mut self, size: u64, max_size: u64) {
        let total = self.size.checked_add(size);
        if total.is_none_or(|total| max_size != 0 && total > max_size) {
            self.fault = self.fault.or(Some(ContentFault::TooLarge));
        }
    }
}

impl Server {
    /// BDAT: what its octets are good for is decided before they come.
    pub(super) fn bdat(&mut self, rest: &str) -> Option<Event> {
        if !self.offered.chunking {
            self.close_with(&Reply::say(502, "5.5.1 BDAT is not available, closing"));
            return None;
        }
        let Some((size, last)) = command::parse_bdat(rest) else {
            self.close_with(&Reply::say(501, "5.5.4 Syntax: BDAT size [LAST], closing"));
            return None;
        };
        if size >= SMALL_CHUNK {
            self.commands = self.commands.saturating_sub(1);
        }
        let refusal = match &self.transaction {
            None => Some("5.5.1 Need MAIL and RCPT first"),
            Some(transaction) if transaction.failed => Some("5.5.1 A chunk was refused; say RSET"),
            Some(transaction) if transaction.recipients == 0 => Some("5.5.1 No valid recipients"),
            Some(_) => None,
        };
        let mut chunk = Chunk { size, left: size, last, refusal: refusal.map(|text| Reply::say(503, text)) };
        let max_size = self.max_size();
        match self.transaction.as_mut().filter(|_| chunk.refusal.is_none()) {
            Some(transaction) => match &mut transaction.chunks {
                Some(chunks) => chunks.announced(size, max_size),
                None => return self.ask(Asked::Chunk(chunk), Event::Data),
            },
            None => chunk.refusal = chunk.refusal.or_else(|| Some(Reply::say(503, "5.5.1 Need MAIL first"))),
        }
        self.phase = Phase::Chunk(chunk);
        None
    }

    /// Whether the pump takes content in.
    pub(super) fn answered_chunk(&mut self, mut chunk: Chunk, reply: &Reply) {
        let max_size = self.max_size();
        let policy = self.config.line_ends;
        if reply.code() == 421 {
            return self.send(reply);
        }
        let Some(transaction) = &mut self.transaction else { return self.close() };
        if reply.code() == 354 {
            let octets = if transaction.binary { Octets::Binary } else { Octets::Text(policy) };
            transaction.chunks.insert(Chunks::new(octets)).announced(chunk.size, max_size);
        } else {
            transaction.failed = true;
            chunk.refusal = Some(reply.clone());
        }
        self.phase = Phase::Chunk(chunk);
    }

    /// Reads a piece of a chunk.
    pub(super) fn read_chunk(&mut self) -> Option<Event> {
        let max_size = self.max_size();
        let Phase::Chunk(chunk) = &mut self.phase else { return None };
        let pending = self.input.pending();
        let most = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(CONTENT_CHUNK);
        let piece = pending.get(..most).unwrap_or(pending);
        let used = piece.len();
        chunk.left = chunk.left.saturating_sub(u64::try_from(used).unwrap_or(u64::MAX));
        let chunks = self.transaction.as_mut().and_then(|t| t.chunks.as_mut()).filter(|_| chunk.refusal.is_none());
        let event = chunks.and_then(|chunks| if chunks.fault.is_none() { chunks.read(piece, max_size) } else { None });
        self.input.consume(used);
        event
    }

    /// All octets of a chunk are here. The next bytes are commands.
    pub(super) fn chunk_end(&mut self) -> Option<Event> {
        let max_size = self.max_size();
        let Phase::Chunk(chunk) = &mut self.phase else { return None };
        if let Some(refusal) = chunk.refusal.take() {
            self.phase = Phase::Command;
            self.refuse(&refusal);
            return None;
        }
        let (size, last) = (chunk.size, chunk.last);
        let chunks = self.transaction.as_mut().and_then(|transaction| transaction.chunks.as_mut());
        let Some(chunks) = chunks else {
            self.close();
            return None;
        };
        if last {
            let mut rest = Vec::new();
            chunks.octets.finish(&mut rest);
            if let Some(event) = chunks.took(rest, max_size) {
                return Some(event);
            }
        }
        let fault = chunks.fault;
        let total = chunks.size;
        self.phase = Phase::Command;
        if !last && fault.is_none() {
            self.send(&Reply::say(250, &format!("2.0.0 {size} octets received")));
            return None;
        }
        // After a chunk in the middle there is one reply, also in LMTP (RFC 2033 section 4.3).
        self.asked = Some(Asked::ContentEnd { fault, each: self.config.lmtp && last });
        Some(Event::ContentEnd(fault.map_or(Ok(total), Err)))
    }
}
