//! Cryptographic messages (RFC 5652, S/MIME): what is signed, digested, authenticated or compressed
//! comes out as a member; what is encrypted is said to be.
//!
//! BER and DER, indefinite lengths and strings in pieces included; also as PEM. Content that is a MIME
//! entity, as S/MIME has it, comes with its parts. Signatures are not verified, certificates not looked
//! at; a signature without content (`smime.p7s`) holds nothing. Limits: [`MAX_DEPTH`], [`MAX_CONTENT`],
//! [`MAX_PEM`], and the budget. Not handled: elements with high tag numbers are passed over.

use std::ops::Range;

use mail::evidence::{FileKind, UnscannedReason};
use mail::graph::Encoding;
use mail::transfer;

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::{End, Method, append, stored};
use crate::formats::message::Message;

/// Deepest nesting of pieces in a string, and of elements without a length.
const MAX_DEPTH: usize = 32;
/// Longest content, in bytes.
const MAX_CONTENT: usize = mail::span::MAX_BUFFER;
/// How far into a file the first line of a PEM may stand.
const MAX_PEM: usize = 1024;
/// How much work an element is, in fuel.
const ELEMENT_FUEL: u64 = 16;

/// 1.2.840.113549.1.7: the types of PKCS #7 below it.
const PKCS7: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07";
/// 1.2.840.113549.1.9.16.1: the types of S/MIME below it.
const SMIME: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01";
/// First lines of PEM files.
const PEM: [&[u8]; 2] = [b"-----BEGIN PKCS7-----", b"-----BEGIN CMS-----"];

/// Tags.
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONSTRUCTED: u8 = 0x20;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;

/// Whether bytes begin like a cryptographic message.
pub(crate) fn starts(data: &[u8]) -> bool {
    if is_pem(data) {
        return true;
    }
    is_info(data)
}

/// Whether bytes begin as a ContentInfo.
fn is_info(data: &[u8]) -> bool {
    let mut der = Ber::new(data, 0..data.len());
    let Some(outer) = der.header().filter(|element| element.tag == SEQUENCE) else { return false };
    let mut inner = Ber::new(data, outer.start..data.len());
    let oid = inner.header().filter(|element| element.tag == OID && element.end.is_some());
    oid.is_some_and(|oid| Kind::of(between(data, oid.start, oid.end.unwrap_or(oid.start))).is_some())
}

/// Whether a file is a PEM and nothing else: what only mentions one is what it is beside that.
fn is_pem(data: &[u8]) -> bool {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data).trim_ascii_start();
    let Some(body) = PEM.iter().find_map(|line| data.strip_prefix(*line)) else { return false };
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') || byte.is_ascii_whitespace();
    let Some(end) = memchr::memmem::find(body, b"-----") else { return body.iter().all(is_base64) };
    let last = between(body, end, body.len());
    let last = memchr::memchr(b'\n', last).map_or(&[][..], |at| between(last, at, last.len()));
    between(body, 0, end).iter().all(is_base64) && last.trim_ascii().is_empty()
}

/// A message that stands as PEM in a file which is something else.
pub(crate) fn inside(data: &[u8], budget: &mut Budget) -> Option<Cms> {
    let at = find_pem(data).filter(|_| !is_pem(data))?;
    let cms = Cms::of_pem(between(data, at, data.len()), budget);
    cms.held.as_deref().is_some_and(is_info).then_some(cms)
}

/// Where a PEM begins.
fn find_pem(data: &[u8]) -> Option<usize> {
    let head = between(data, 0, MAX_PEM);
    PEM.iter().find_map(|line| memchr::memmem::find(head, line))
}

/// What a message is, by its content type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Signed,
    Digested,
    Compressed,
    Authenticated,
    Encrypted,
}

impl Kind {
    fn of(oid: &[u8]) -> Option<Self> {
        let below = |arc: &[u8]| oid.strip_prefix(arc).and_then(|rest| <[u8; 1]>::try_from(rest).ok());
        match (below(PKCS7), below(SMIME)) {
            (Some([1]), _) => Some(Self::Data),
            (Some([2]), _) => Some(Self::Signed),
            (Some([5]), _) => Some(Self::Digested),
            // Enveloped, signed and enveloped, encrypted; authenticated and enveloped.
            (Some([3 | 4 | 6]), _) | (_, Some([23])) => Some(Self::Encrypted),
            (_, Some([2])) => Some(Self::Authenticated),
            (_, Some([9])) => Some(Self::Compressed),
            _ => None,
        }
    }
}

/// A cryptographic message.
pub(crate) struct Cms {
    meter: Meter,
    problems: Vec<UnscannedReason>,
    /// What it holds, not given yet.
    held: Option<Vec<u8>>,
    /// The parts of what it holds, and its bytes.
    entity: Option<(Message, Vec<u8>)>,
}

impl Cms {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        if let Some(at) = find_pem(data).filter(|_| is_pem(data)) {
            return Self::of_pem(between(data, at, data.len()), budget);
        }
        let mut cms = Self::empty(data);
        cms.held = cms.read(data, budget);
        cms
    }

    fn empty(data: &[u8]) -> Self {
        Self { meter: Meter::new(data.len() as u64), problems: Vec::new(), held: None, entity: None }
    }

    fn of_pem(text: &[u8], budget: &mut Budget) -> Self {
        let mut cms = Self::empty(text);
        cms.held = cms.pem(text, budget);
        if !cms.held.as_deref().is_some_and(is_info) {
            cms.problem(UnscannedReason::Damaged);
        }
        cms
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// The bytes of a PEM; they are a cryptographic message themselves.
    fn pem(&mut self, text: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
        let start = memchr::memchr(b'\n', text).map_or(text.len(), |at| at.saturating_add(1));
        let body = between(text, start, text.len());
        let end = memchr::memmem::find(body, b"-----").unwrap_or(body.len());
        let bytes = transfer::decode(Encoding::Base64, between(body, 0, end), MAX_CONTENT).bytes;
        let mut member = Member::default();
        self.meter.next_object();
        if !stored(&mut member, &bytes, budget, &mut self.meter) {
            member.problems.into_iter().for_each(|reason| self.problem(reason));
        }
        Some(member.content)
    }

    /// What a message holds, decoded.
    fn read(&mut self, data: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
        let mut ber = Ber::new(data, 0..data.len());
        let found = content_info(&mut ber);
        let compressed = matches!(found, Some((Kind::Compressed, _)));
        let content = match found {
            None => None,
            Some((Kind::Encrypted, _)) => {
                self.problem(UnscannedReason::Encrypted);
                return None;
            }
            Some((kind, body)) => ber.enter(&body).and_then(|inner| encapsulated(kind, inner, &mut ber)),
        };
        if let Err(limit) = budget.burn(ber.elements.saturating_mul(ELEMENT_FUEL)) {
            self.problem(limit.into());
            return None;
        }
        let Some(content) = content else {
            self.problem(UnscannedReason::Damaged);
            return None;
        };
        if ber.damaged {
            self.problem(UnscannedReason::Damaged);
        }
        let pieces = content?;
        let method = if compressed { Method::Deflate } else { Method::Stored };
        self.decoded(data, &pieces, method, budget)
    }

    /// The pieces of a string as one, decompressed.
    fn decoded(
        &mut self,
        data: &[u8],
        pieces: &[Range<usize>],
        method: Method,
        budget: &mut Budget,
    ) -> Option<Vec<u8>> {
        self.meter.next_object();
        let mut whole = Vec::new();
        for piece in pieces {
            let decoded = append(Method::Stored, between(data, piece.start, piece.end), whole, budget, &mut self.meter);
            whole = decoded.content;
            if let End::Limit(limit) = decoded.end {
                self.problem(limit.into());
                return Some(whole);
            }
        }
        if method == Method::Stored {
            return Some(whole);
        }
        self.meter.next_object();
        // RFC 3274: a zlib stream (RFC 1950), two bytes of head in front of Deflate.
        let decoded = append(method, between(&whole, 2, whole.len()), Vec::new(), budget, &mut self.meter);
        match decoded.end {
            End::Complete => {}
            End::Broken | End::Unknown => self.problem(UnscannedReason::Damaged),
            End::Limit(limit) => self.problem(limit.into()),
        }
        Some(decoded.content)
    }
}

impl Container for Cms {
    fn next(&mut self, _data: &[u8], budget: &mut Budget) -> Option<Member> {
        if let Some(content) = self.held.take() {
            let mut member = Member { content, ..Member::default() };
            if is_entity(&member.content) {
                member.kind = Some(FileKind::Message);
                self.entity = Some((Message::open(&member.content, budget), member.content.clone()));
            }
            return Some(member);
        }
        let (message, bytes) = self.entity.as_mut()?;
        let mut part = message.next(bytes, budget);
        if let Some(part) = &mut part {
            // Behind the entity itself; nothing here can be edited.
            part.index = part.index.saturating_add(1);
            part.parent = Some(part.parent.map_or(0, |parent| parent.saturating_add(1)));
            part.entity = None;
        } else {
            let more = message.problems().to_vec();
            more.into_iter().for_each(|reason| self.problem(reason));
            self.entity = None;
        }
        part
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

/// Whether bytes begin with a field of MIME, so that they are an entity.
fn is_entity(bytes: &[u8]) -> bool {
    let line = bytes.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let name = line.split(|byte| *byte == b':').next().filter(|name| name.len() < line.len()).unwrap_or(&[]);
    let name = name.trim_ascii_end().to_ascii_lowercase();
    name.starts_with(b"content-") || name == b"mime-version"
}

/// Kind and content of a ContentInfo (RFC 5652 section 3).
fn content_info(ber: &mut Ber<'_>) -> Option<(Kind, Element)> {
    let outer = ber.next_of(SEQUENCE)?;
    let mut inner = ber.enter(&outer)?;
    let oid = inner.next_of(OID)?;
    let kind = Kind::of(inner.bytes(&oid))?;
    let content = inner.next_of(CONTEXT_0);
    ber.take_from(&inner);
    Some((kind, content?))
}

/// The string that a message encapsulates, in pieces; `Some(None)` where it has none of its own.
fn encapsulated(kind: Kind, mut at: Ber<'_>, all: &mut Ber<'_>) -> Option<Option<Vec<Range<usize>>>> {
    if kind == Kind::Data {
        let pieces = octets(&mut at);
        all.take_from(&at);
        return pieces.map(Some);
    }
    let body = at.next_of(SEQUENCE)?;
    let mut body = at.enter(&body)?;
    // What stands in front of the content: RFC 5652 sections 5.1, 7 and 9.1, RFC 3274 section 1.1.
    let front: &[(u8, bool)] = match kind {
        Kind::Signed => &[(INTEGER, true), (SET, true)],
        Kind::Authenticated => {
            &[(INTEGER, true), (CONTEXT_0, false), (SET, true), (SEQUENCE, true), (CONTEXT_1, false)]
        }
        _ => &[(INTEGER, true), (SEQUENCE, true)],
    };
    for (tag, required) in front {
        if body.peek() == Some(*tag) {
            body.next_of(*tag)?;
        } else if *required {
            return None;
        }
    }
    let info = body.next_of(SEQUENCE)?;
    let mut info = body.enter(&info)?;
    let _type = info.next_of(OID)?;
    let pieces = match info.peek() {
        Some(CONTEXT_0) => {
            let explicit = info.next_of(CONTEXT_0)?;
            let mut content = info.enter(&explicit)?;
            let pieces = octets(&mut content);
            info.take_from(&content);
            Some(pieces?)
        }
        _ => None,
    };
    for part in [&info, &body, &at] {
        all.take_from(part);
    }
    Some(pieces)
}

/// The pieces of an octet string. PKCS #7 1.5 allows any element there: it is its own piece.
fn octets(at: &mut Ber<'_>) -> Option<Vec<Range<usize>>> {
    let whole = at.next()?;
    if whole.tag & !CONSTRUCTED != OCTETS {
        return Some(std::iter::once(whole.from..whole.end).collect());
    }
    if whole.tag == OCTETS {
        return Some(vec![whole.body]);
    }
    // Pieces may hold pieces.
    let mut out = Vec::new();
    let mut stack = vec![at.enter(&whole)?];
    while let Some(mut inner) = stack.pop() {
        let piece = inner.next();
        at.take_from(&inner);
        let Some(piece) = piece else { continue };
        stack.push(inner.again());
        if piece.tag == OCTETS {
            out.push(piece.body);
        } else if piece.tag == OCTETS | CONSTRUCTED && stack.len() < MAX_DEPTH {
            stack.push(at.enter(&piece)?);
        } else {
            at.damaged = true;
        }
    }
    Some(out)
}

/// An element whose end is known.
#[derive(Clone)]
struct Element {
    tag: u8,
    /// Where its tag stands.
    from: usize,
    /// Its content, without the marks of an end.
    body: Range<usize>,
    /// Behind all of it.
    end: usize,
}

/// A tag with its length.
struct Header {
    tag: u8,
    /// Where the content begins.
    start: usize,
    /// Where it ends; `None` at the next mark of an end.
    end: Option<usize>,
}

/// Reads elements one after the other.
struct Ber<'a> {
    data: &'a [u8],
    at: usize,
    end: usize,
    /// How many headers were read.
    elements: u64,
    /// Whether something did not end as it should.
    damaged: bool,
}

impl<'a> Ber<'a> {
    fn new(data: &'a [u8], range: Range<usize>) -> Self {
        Self { data, at: range.start, end: range.end.min(data.len()), elements: 0, damaged: false }
    }

    /// Where this stands, with nothing counted.
    fn again(&self) -> Self {
        Self::new(self.data, self.at..self.end)
    }

    /// A reader of an element's content.
    fn enter(&self, element: &Element) -> Option<Ber<'a>> {
        (element.tag & CONSTRUCTED != 0).then(|| Self::new(self.data, element.body.clone()))
    }

    /// Counts what another reader has read.
    fn take_from(&mut self, other: &Ber<'_>) {
        self.elements = self.elements.saturating_add(other.elements);
        self.damaged |= other.damaged;
    }

    fn bytes(&self, element: &Element) -> &'a [u8] {
        between(self.data, element.body.start, element.body.end)
    }

    /// The next tag.
    fn peek(&self) -> Option<u8> {
        between(self.data, self.at, self.end).first().copied()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    /// Tag and length (X.690 sections 8.1.2 and 8.1.3). What ends behind its holder is cut there.
    fn header(&mut self) -> Option<Header> {
        self.elements = self.elements.saturating_add(1);
        let tag = self.byte()?;
        if tag & 0x1f == 0x1f {
            while self.byte()? & 0x80 != 0 {}
        }
        let first = self.byte()?;
        let length = match first {
            0x80 => return Some(Header { tag, start: self.at, end: None }),
            0..=0x7f => usize::from(first),
            _ => {
                let mut length = 0_usize;
                for _ in 0..first & 0x7f {
                    length = length.checked_mul(256)?.checked_add(usize::from(self.byte()?))?;
                }
                length
            }
        };
        let end = self.at.saturating_add(length);
        self.damaged |= end > self.end;
        Some(Header { tag, start: self.at, end: Some(end.min(self.end)) })
    }

    /// The next element.
    fn next(&mut self) -> Option<Element> {
        if self.peek() == Some(0) && between(self.data, self.at, self.end).starts_with(&[0, 0]) {
            return None;
        }
        let from = self.at;
        let header = self.header()?;
        let (body_end, end) = match header.end {
            Some(end) => (end, end),
            None => self.end_of_indefinite(header.start),
        };
        self.at = end;
        Some(Element { tag: header.tag, from, body: header.start..body_end, end })
    }

    /// The next element, if it has this tag.
    fn next_of(&mut self, tag: u8) -> Option<Element> {
        (self.peek() == Some(tag)).then(|| self.next()).flatten()
    }

    /// The end of the content that begins at `start`, and what follows its mark.
    fn end_of_indefinite(&mut self, start: usize) -> (usize, usize) {
        let mut inner = Self::new(self.data, start..self.end);
        let mut open = 1_usize;
        loop {
            let at = inner.at;
            let header = inner.header();
            self.elements = self.elements.saturating_add(1);
            match header {
                Some(Header { tag: 0, end: Some(end), start }) if end == start => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        return (at, inner.at);
                    }
                }
                Some(Header { end: Some(end), .. }) => inner.at = end,
                Some(Header { end: None, tag, .. }) if open < MAX_DEPTH && tag & CONSTRUCTED != 0 => {
                    open = open.saturating_add(1);
                }
                _ => {
                    self.damaged = true;
                    return (self.end, self.end);
                }
            }
        }
    }
}
