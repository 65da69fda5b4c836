//! One pass over the lines of a buffer, with a stack of open entities.
//!
//! A line is compared with boundaries only if it begins with `--`, and then by one look-up, so depth
//! and number of boundaries cost nothing a line. The outermost multipart that a delimiter fits wins:
//! a multipart never sees the delimiters of those around it.

use std::collections::BTreeMap;

use super::build::{Builder, Job};
use super::head::Candidate;
use super::leaf::{Outside, Watch, outside};
use super::lines::{Ends, Lines, MAX_LINE};
use super::readings::Ask;
use super::{BufferId, Encoding, EntityId, Field, Shape};
use crate::defect::DefectCode;
use crate::span::Span;

mod delimiter;
mod header;

pub(crate) use header::header_goes_on;
pub(super) use header::{field_name, late_header};

/// How a pass differs from the strict one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Policy {
    /// What ends a line.
    pub(super) ends: Ends,
    /// A delimiter may stand anywhere in a line, with anything behind it.
    pub(super) prefix: bool,
    /// Only the innermost open multipart sees delimiters.
    pub(super) inner: bool,
    /// A closing delimiter does not close.
    pub(super) reopen: bool,
    /// The first header ends at a line of nothing but white space or controls.
    pub(super) blank_ends: bool,
    /// The first header ends before a line that is no field.
    pub(super) junk_ends: bool,
    /// But not in front of its first field.
    pub(super) fields_first: bool,
    /// An empty line with another line end than the line in front of it ends no header.
    pub(super) other_empty: bool,
    /// What is said of the first header holds for all.
    pub(super) all_headers: bool,
    /// No delimiter is seen in a header.
    pub(super) blind: bool,
    /// What ends a header there, or with `fields_first`, is not in the body either.
    pub(super) swallow: bool,
    /// The case of letters in a boundary does not matter.
    pub(super) any_case: bool,
    /// Lines that nearly are fields of MIME are fields.
    pub(super) lax_fields: bool,
}

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
    Leaf(Watch),
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
    /// See [`Policy`].
    blank_ends: bool,
    junk_ends: bool,
    fields_first: bool,
}

/// A multipart in progress.
struct Multipart {
    boundary: Vec<u8>,
    digest: bool,
    parts: usize,
    closed: bool,
    /// Where the text in front of the first delimiter ends.
    preamble_end: Option<usize>,
    /// Where the text behind the closing delimiter begins.
    epilogue: Option<usize>,
    /// Whether a line that begins like its delimiter was met.
    prefix_seen: bool,
    /// Whether a delimiter in another case was met.
    case_seen: bool,
}

impl Multipart {
    fn new(boundary: Vec<u8>, digest: bool) -> Self {
        Self {
            boundary,
            digest,
            parts: 0,
            closed: false,
            preamble_end: None,
            epilogue: None,
            prefix_seen: false,
            case_seen: false,
        }
    }
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
    policy: Policy,
    /// Where the first line begins.
    start: usize,
    /// Bytes that may still be searched for delimiters inside lines.
    search_left: usize,
}

impl<'s, 'a, 'l, 'b> Scan<'s, 'a, 'l, 'b> {
    pub(super) fn new(builder: &'s mut Builder<'a, 'l>, bytes: &'b [u8], buffer: BufferId) -> Self {
        let (frames, boundaries) = (Vec::new(), BTreeMap::new());
        let search_left = bytes.len().saturating_mul(2);
        let policy = Policy::default();
        Self { builder, bytes, buffer, frames, boundaries, stopped: false, policy, start: 0, search_left }
    }

    /// A pass over the bytes from `start` on that reads them in another way.
    pub(super) fn trying(
        builder: &'s mut Builder<'a, 'l>,
        bytes: &'b [u8],
        buffer: BufferId,
        start: usize,
        policy: Policy,
    ) -> Self {
        Self { policy, start, ..Self::new(builder, bytes, buffer) }
    }

    /// Reads the bytes as an entity with its header.
    pub(super) fn run_entity(mut self, entity: EntityId, default_media: &'static str) {
        self.open(entity, self.start, default_media);
        self.run(entity);
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
                self.frames.push(frame(State::Multipart(Multipart::new(boundary, digest))));
            }
            Candidate::Message => {
                self.builder.set_shape(job.entity, Shape::Message);
                self.frames.push(frame(State::Message));
                let child = self.builder.add(Some(job.entity), self.buffer, self.start, None);
                self.open(child, self.start, "text/plain");
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
            blank_ends: self.policy.blank_ends,
            junk_ends: self.policy.junk_ends,
            fields_first: self.policy.fields_first,
        };
        if !self.policy.all_headers {
            (self.policy.blank_ends, self.policy.junk_ends) = (false, false);
        }
        self.frames.push(Frame { entity, state: State::Header(header), settled: false });
    }

    fn run(&mut self, root: EntityId) {
        let mut lines = Lines::with(self.bytes, self.start, self.policy.ends);
        while let Some(line) = lines.next() {
            if line.end - line.start > MAX_LINE {
                self.note_top(DefectCode::LongLine, Span::new(line.start, line.end));
            }
            // At most twice: a header that a line ends gives that line to its body.
            while !self.delimiter(line) {
                match self.frames.last_mut().map(|frame| &mut frame.state) {
                    Some(State::Header(_)) => {}
                    Some(State::Leaf(watch)) => {
                        watch.look(self.bytes, line);
                        break;
                    }
                    _ => break,
                }
                if matches!(self.header_line(line), Then::Next) {
                    break;
                }
            }
        }
        if let Some(at) = lines.mixed() {
            self.builder.note(root, DefectCode::MixedLineEnds, Span::new(at, at + 1));
            self.ask_lines(root, lines.seen());
        }
        self.close_above(0, self.bytes.len());
    }

    /// Asks for readings with other line ends. Where the first line ends with LF alone, no client that
    /// reads it wants CRLF.
    fn ask_lines(&mut self, root: EntityId, [crlf, lf, cr]: [bool; 3]) {
        if self.policy.ends != Ends::Lf {
            return;
        }
        if cr {
            self.builder.ask(root, Ask::AnyLines);
        }
        let rest = self.bytes.get(self.start..).unwrap_or(&[]);
        let first = memchr::memchr(b'\n', rest).and_then(|at| at.checked_sub(1)).and_then(|at| rest.get(at));
        if crlf && (lf || cr) && first == Some(&b'\r') {
            self.builder.ask(root, Ask::CrlfLines);
        }
    }

    fn slice(&self, start: usize, end: usize) -> &'b [u8] {
        self.bytes.get(start..end).unwrap_or(&[])
    }

    fn note_top(&mut self, code: DefectCode, span: Span) {
        if let Some(frame) = self.frames.last() {
            self.builder.note(frame.entity, code, span);
        }
    }

    /// Where the line end in front of `at` begins.
    fn before_line_end(&self, at: usize) -> usize {
        let before = self.slice(0, at);
        let without = |text: Option<&[u8]>| text.map_or(before.len(), <[u8]>::len);
        match self.policy.ends {
            Ends::Crlf => without(before.strip_suffix(b"\r\n")),
            Ends::Any if before.ends_with(b"\r") => without(before.strip_suffix(b"\r")),
            _ => before.strip_suffix(b"\n").map_or(before.len(), |text| text.strip_suffix(b"\r").unwrap_or(text).len()),
        }
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
        } else if let State::Leaf(watch) = frame.state {
            self.close_leaf(id, watch);
        }
    }

    /// Looks at what a leaf holds, as far as it concerns other readings.
    fn close_leaf(&mut self, id: EntityId, watch: Watch) {
        let Some(entity) = self.builder.entity(id) else { return };
        let body = entity.body;
        let is_text = entity.media.starts_with("text/");
        let content = body.of(self.bytes);
        if is_text
            && entity.encoding == Encoding::Identity
            && let Some(at) = memchr::memchr(0, content)
        {
            let at = (body.start as usize).saturating_add(at);
            self.builder.note(id, DefectCode::NulByte, Span::new(at, at.saturating_add(1)));
            self.builder.ask(id, Ask::Nul);
        }
        let Some(entity) = self.builder.entity(id) else { return };
        let asks = super::leaf::asks(entity, content, watch);
        self.builder.asks.extend(asks.into_iter().map(|ask| (id, ask)));
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
            self.outside_parts(id, body, &multipart);
            self.ask_anywhere(id, body, &multipart);
            return;
        }
        self.builder.set_shape(id, Shape::Leaf);
        let encoded = matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable);
        if encoded && !decoded && !self.stopped {
            let candidate = Candidate::Multipart { boundary: multipart.boundary, digest: multipart.digest };
            self.builder.queue.push_back(Job { entity: id, candidate });
        } else if !self.stopped {
            self.builder.note(id, DefectCode::BoundaryNotFound, body);
            self.ask_anywhere(id, body, &multipart);
            let watch = Watch::over(self.bytes, body);
            self.close_leaf(id, watch);
        }
    }

    /// Asks for a reading with delimiters anywhere in a line, if there are some. Multiparts inside
    /// others look at the same bytes; beyond twice the bytes of the pass it is asked for unseen.
    fn ask_anywhere(&mut self, id: EntityId, body: Span, multipart: &Multipart) {
        if self.policy.prefix || multipart.prefix_seen {
            return;
        }
        let content = body.of(self.bytes);
        let unseen = content.len() > self.search_left;
        self.search_left = self.search_left.saturating_sub(content.len());
        let delimiter = [b"--", multipart.boundary.as_slice()].concat();
        let begins = |at: usize| at.checked_sub(1).and_then(|at| content.get(at)).is_none_or(|byte| *byte == b'\n');
        if unseen || memchr::memmem::find_iter(content, &delimiter).any(|at| !begins(at)) {
            self.builder.ask(id, Ask::Prefix);
        }
    }

    /// What stands in front of the first part and behind the last.
    fn outside_parts(&mut self, id: EntityId, body: Span, multipart: &Multipart) {
        let preamble = multipart.preamble_end.map(|end| Span::new(body.start as usize, end));
        let epilogue = multipart.epilogue.map(|start| Span::new(start, body.end as usize));
        for span in [preamble, epilogue].into_iter().flatten() {
            match outside(span.of(self.bytes)) {
                Outside::Nothing => {}
                Outside::Text => self.builder.ask(id, Ask::Outside { span, content: false }),
                Outside::Content => self.builder.ask(id, Ask::Outside { span, content: true }),
            }
        }
    }
}

/// The text without blanks at its end.
fn trim_blanks(text: &[u8]) -> &[u8] {
    let length = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    text.get(..length).unwrap_or(text)
}
