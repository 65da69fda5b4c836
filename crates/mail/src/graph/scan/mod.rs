//! One pass over the lines of a buffer, with a stack of open entities.
//!
//! A line is compared with boundaries only if it begins with `--`, and then by one look-up, so depth
//! and number of boundaries cost nothing a line. The outermost multipart that a delimiter fits wins:
//! a multipart never sees the delimiters of those around it.

use std::collections::BTreeMap;

use super::build::{Builder, Job};
use super::head::Candidate;
use super::lines::{Line, Lines, MAX_LINE};
use super::{BufferId, Encoding, EntityId, Field, Shape, Slot};
use crate::defect::DefectCode;
use crate::span::Span;

mod header;

pub(super) use header::field_name;

/// An open entity.
struct Frame {
    entity: EntityId,
    state: State,
    /// Its own bytes stand, encoded, in another buffer: its spans are settled.
    settled: bool,
}

/// What of an entity is being read.
enum State {
    Header(Header),
    Leaf,
    Message,
    Multipart(Multipart),
}

/// A header in progress.
struct Header {
    start: usize,
    first_field: usize,
    first_line: bool,
    default_media: &'static str,
    /// The first line that is no field.
    junk: Option<usize>,
    /// Whether a continuation line would belong to the last field.
    in_field: bool,
    /// Whether the own boundary was looked for among the fields.
    looked_ahead: bool,
}

/// A multipart in progress.
struct Multipart {
    boundary: Vec<u8>,
    digest: bool,
    parts: usize,
    closed: bool,
}

/// What to do after a header line.
enum Then {
    /// Go on with the next line.
    Next,
    /// Look at the same line again: it belongs to the body.
    Again,
}

/// The pass over one buffer.
pub(super) struct Scan<'s, 'a, 'l, 'b> {
    builder: &'s mut Builder<'a, 'l>,
    bytes: &'b [u8],
    buffer: BufferId,
    frames: Vec<Frame>,
    /// Boundaries of the open multiparts, and the outermost frame of each.
    boundaries: BTreeMap<Vec<u8>, usize>,
    /// A limit was reached; what is left is the body of the open leaf.
    stopped: bool,
}

impl<'s, 'a, 'l, 'b> Scan<'s, 'a, 'l, 'b> {
    pub(super) fn new(builder: &'s mut Builder<'a, 'l>, bytes: &'b [u8], buffer: BufferId) -> Self {
        Self { builder, bytes, buffer, frames: Vec::new(), boundaries: BTreeMap::new(), stopped: false }
    }

    /// Reads the buffer as the message `root`.
    pub(super) fn run_message(mut self, root: EntityId) {
        self.open(root, 0, "text/plain");
        self.run(root);
    }

    /// Reads the buffer as the decoded body of a container.
    pub(super) fn run_decoded(mut self, job: Job) {
        let frame = |state| Frame { entity: job.entity, state, settled: true };
        match job.candidate {
            Candidate::Multipart { boundary, digest } => {
                self.builder.set_shape(job.entity, Shape::Multipart);
                self.boundaries.insert(boundary.clone(), 0);
                self.frames.push(frame(State::Multipart(Multipart { boundary, digest, parts: 0, closed: false })));
            }
            Candidate::Message => {
                self.builder.set_shape(job.entity, Shape::Message);
                self.frames.push(frame(State::Message));
                let child = self.builder.add(Some(job.entity), self.buffer, 0, None);
                self.open(child, 0, "text/plain");
            }
            Candidate::Leaf => return,
        }
        self.run(job.entity);
    }

    /// Opens an entity's header.
    fn open(&mut self, entity: EntityId, start: usize, default_media: &'static str) {
        let first_field = self.builder.graph.fields.len();
        let header = Header {
            start,
            first_field,
            first_line: true,
            default_media,
            junk: None,
            in_field: false,
            looked_ahead: false,
        };
        self.frames.push(Frame { entity, state: State::Header(header), settled: false });
    }

    fn run(&mut self, root: EntityId) {
        let mut lines = Lines::new(self.bytes, 0);
        while let Some(line) = lines.next() {
            if line.end - line.start > MAX_LINE {
                self.note_top(DefectCode::LongLine, Span::new(line.start, line.end));
            }
            // At most twice: a header that a line ends gives that line to its body.
            while !self.delimiter(line) {
                let Some(Frame { state: State::Header(_), .. }) = self.frames.last() else { break };
                if matches!(self.header_line(line), Then::Next) {
                    break;
                }
            }
        }
        if let Some(at) = lines.mixed() {
            self.builder.note(root, DefectCode::MixedLineEnds, Span::new(at, at + 1));
        }
        self.close_above(0, self.bytes.len());
    }

    fn slice(&self, start: usize, end: usize) -> &'b [u8] {
        self.bytes.get(start..end).unwrap_or(&[])
    }

    fn note_top(&mut self, code: DefectCode, span: Span) {
        if let Some(frame) = self.frames.last() {
            self.builder.note(frame.entity, code, span);
        }
    }

    /// Handles a line that is a delimiter of an open multipart; says whether it was one.
    fn delimiter(&mut self, line: Line) -> bool {
        let text = self.slice(line.start, line.end);
        let Some(text) = text.strip_prefix(b"--") else { return false };
        if self.boundaries.is_empty() {
            return false;
        }
        let text = trim_blanks(text);
        let opens = self.boundaries.get(text).copied();
        let closes = text.strip_suffix(b"--").and_then(|text| self.boundaries.get(text)).copied();
        let (level, closing) = match (opens, closes) {
            (Some(open), Some(close)) => (open.min(close), close < open),
            (Some(open), None) => (open, false),
            (None, Some(close)) => (close, true),
            (None, None) => return false,
        };
        let end = self.before_line_end(line.start);
        self.close_parts(level, end, line.start);
        let Some(Frame { entity, state: State::Multipart(multipart), .. }) = self.frames.get_mut(level) else {
            return true;
        };
        let entity = *entity;
        if multipart.closed {
            self.builder.note(entity, DefectCode::ContentAfterClose, Span::new(line.start, line.end));
        } else if closing {
            multipart.closed = true;
        } else {
            multipart.parts += 1;
            let default_media = if multipart.digest { "message/rfc822" } else { "text/plain" };
            self.open_part(entity, line, default_media);
        }
        true
    }

    /// Opens the part after a delimiter; the last that the limit allows takes all that is left.
    fn open_part(&mut self, multipart: EntityId, line: Line, default_media: &'static str) {
        let delimiter = Span::new(line.start, line.next);
        let slot = Slot { delimiter, end: delimiter.end, followed: false };
        let last = self.builder.is_last();
        let part = self.builder.add(Some(multipart), self.buffer, line.next, Some(slot));
        if last {
            self.builder.note(multipart, DefectCode::LimitReached, delimiter);
            self.boundaries.clear();
            self.stopped = true;
            self.frames.push(Frame { entity: part, state: State::Leaf, settled: false });
        } else {
            self.open(part, line.next, default_media);
        }
    }

    /// Where the line end in front of `at` begins.
    fn before_line_end(&self, at: usize) -> usize {
        let before = self.slice(0, at);
        let text = before.strip_suffix(b"\n").map_or(before, |text| text.strip_suffix(b"\r").unwrap_or(text));
        text.len()
    }

    /// Closes everything inside the multipart at `level`, before its delimiter at `delimiter`.
    fn close_parts(&mut self, level: usize, end: usize, delimiter: usize) {
        let part = self.frames.get(level + 1).map(|frame| frame.entity);
        self.close_above(level + 1, end);
        if let Some(part) = part.and_then(|part| self.builder.entity(part))
            && let Some(slot) = &mut part.slot
        {
            slot.end = Span::new(delimiter, delimiter).start;
            slot.followed = true;
        }
    }

    /// Closes all frames from `level` on; `end` is one past their last byte.
    fn close_above(&mut self, level: usize, end: usize) {
        // The outermost never ends before it begins: behind its delimiter line. Those inside it may
        // have begun behind a line end that belongs to the next delimiter; they end with it.
        let outermost = self.frames.get(level).filter(|frame| !frame.settled).map(|frame| frame.entity);
        let floor = outermost.and_then(|id| self.builder.entity(id)).map_or(0, |entity| entity.whole.start as usize);
        let end = end.max(floor);
        while self.frames.len() > level {
            // A header that ends here may open a body and a child; depth bounds that.
            if let Some(Frame { state: State::Header(_), .. }) = self.frames.last() {
                self.finish_header(end, true, false);
                continue;
            }
            if let Some(frame) = self.frames.pop() {
                self.close(frame, end);
            }
        }
    }

    fn close(&mut self, frame: Frame, end: usize) {
        let id = frame.entity;
        if !frame.settled {
            self.settle(id, end);
        }
        if let State::Multipart(multipart) = frame.state {
            let level = self.frames.len();
            if self.boundaries.get(&multipart.boundary) == Some(&level) {
                self.boundaries.remove(&multipart.boundary);
            }
            self.close_multipart(id, multipart, frame.settled);
        } else if matches!(frame.state, State::Leaf) {
            let Some(entity) = self.builder.entity(id) else { return };
            let body = entity.body;
            let is_text = entity.media.starts_with("text/") && entity.encoding == Encoding::Identity;
            if is_text && let Some(at) = memchr::memchr(0, body.of(self.bytes)) {
                let at = (body.start as usize).saturating_add(at);
                self.builder.note(id, DefectCode::NulByte, Span::new(at, at.saturating_add(1)));
            }
        }
    }

    /// Sets where an entity ends; its header and its last field do not reach further.
    fn settle(&mut self, id: EntityId, end: usize) {
        let Some(entity) = self.builder.entity(id) else { return };
        let end = Span::new(end, end).start;
        let cut = |span: Span| Span { start: span.start.min(end), end: span.end.min(end) };
        entity.whole = Span { start: entity.whole.start.min(end), end };
        entity.header = cut(entity.header);
        entity.body = Span { start: entity.body.start.min(end), end };
        if let Some(slot) = &mut entity.slot {
            slot.delimiter = cut(slot.delimiter);
            slot.end = end;
        }
        let (from, to) = entity.fields;
        let fields = self.builder.graph.fields.get_mut(from as usize..to as usize);
        if let Some(last) = fields.and_then(<[Field]>::last_mut) {
            last.whole.end = last.whole.end.min(end);
            last.value.end = last.value.end.min(end);
        }
    }

    /// A multipart without parts is a leaf, so that its bytes are looked at; or it is encoded.
    fn close_multipart(&mut self, id: EntityId, multipart: Multipart, decoded: bool) {
        let Some(entity) = self.builder.entity(id) else { return };
        let (body, encoding) = (entity.body, entity.encoding);
        if multipart.parts > 0 {
            if !multipart.closed && !self.stopped {
                let end = body.end as usize;
                self.builder.note(id, DefectCode::UnterminatedMultipart, Span::new(end, end));
            }
            return;
        }
        self.builder.set_shape(id, Shape::Leaf);
        let encoded = matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable);
        if encoded && !decoded && !self.stopped {
            let candidate = Candidate::Multipart { boundary: multipart.boundary, digest: multipart.digest };
            self.builder.queue.push_back(Job { entity: id, candidate });
        } else if !self.stopped {
            self.builder.note(id, DefectCode::BoundaryNotFound, body);
        }
    }
}

/// The text without blanks at its end.
fn trim_blanks(text: &[u8]) -> &[u8] {
    let length = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    text.get(..length).unwrap_or(text)
}
