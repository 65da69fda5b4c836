//! The lines of a header, and what follows from them for the body.

use super::super::guess::{is_mbox_line, looks_like_message};
use super::super::head::{self, Candidate, Head};
use super::super::leaf::Watch;
use super::super::lines::{Ends, Line, Lines};
use super::super::readings::Ask;
use super::super::{Encoding, EntityId, Field, Shape};
use super::{Frame, Job, Multipart, Scan, State, Then, trim_blanks};
use crate::defect::DefectCode;
use crate::span::Span;

/// Most lines of a message that are kept as hidden fields.
const MAX_HIDDEN: usize = 256;
/// How far behind an empty line fields are looked for, in bytes.
const MAX_LATE: usize = 2 * 1024;
/// Most lines of junk in front of a late header.
const MAX_JUNK_LINES: usize = 8;
/// How many multiparts around a part are asked for their encoding.
const MAX_INHERITED: usize = 8;
/// Longest name of a hidden field, in bytes.
const MAX_HIDDEN_NAME: usize = 80;

impl Scan<'_, '_, '_, '_> {
    /// One line of the open header.
    pub(super) fn header_line(&mut self, line: Line) -> Then {
        let text = self.slice(line.start, line.end);
        let limits = self.builder.limits;
        let fields = self.builder.graph.fields.len();
        let Some(Frame { entity, state: State::Header(header), .. }) = self.frames.last_mut() else {
            return Then::Next;
        };
        let entity = *entity;
        let span = Span::new(line.start, line.end);
        let blank_ends = header.blank_ends && is_nothing(text);
        let first = std::mem::replace(&mut header.first_line, false);
        if text.is_empty() && !first && self.policy.ends == Ends::Lf && has_other_end(self.bytes, line) {
            self.builder.ask(entity, Ask::OtherEmpty);
            if self.policy.other_empty {
                header.in_field = false;
                return Then::Next;
            }
        }
        if text.is_empty() || blank_ends {
            self.finish_header(line.next, false, false);
            return Then::Next;
        }
        if line.next - header.start > limits.header_bytes as usize || fields >= limits.fields as usize {
            self.builder.note(entity, DefectCode::LimitReached, span);
            self.finish_header(line.start, false, true);
            return Then::Next;
        }
        if matches!(text.first(), Some(b' ' | b'\t')) {
            let in_field = header.in_field;
            if !in_field {
                // A continuation of nothing in front of the first field is passed over by some.
                let early = header.fields_first && fields == header.first_field;
                if header.junk_ends && !is_nothing(text) && !early {
                    self.finish_header(line.start, false, false);
                    return Then::Again;
                }
                if !early {
                    header.junk.get_or_insert(line.start);
                }
                self.builder.ask(entity, Ask::JunkEnds);
                self.builder.note(entity, DefectCode::HeaderWithoutColon, span);
            } else if let Some(field) = self.builder.graph.fields.last_mut() {
                field.value.end = span.end;
                field.whole.end = Span::new(line.next, line.next).start;
            }
            if trim_blanks(text).is_empty() {
                self.builder.note(entity, DefectCode::BlankLineWithSpace, span);
                self.builder.ask(entity, Ask::BlankEnds);
            }
            return Then::Next;
        }
        if first && entity == EntityId(0) && is_mbox_line(text) {
            header.start = line.next;
            return Then::Next;
        }
        match field_name(text) {
            Some((name, colon)) => {
                header.in_field = true;
                self.add_field(entity, line, name, colon);
                Then::Next
            }
            None => self.junk_line(entity, line),
        }
    }

    fn add_field(&mut self, entity: EntityId, line: Line, name: usize, colon: usize) {
        if name < colon {
            self.builder.note(entity, DefectCode::SpaceBeforeColon, Span::new(line.start + name, line.start + colon));
        }
        self.builder.graph.fields.push(Field {
            name: Span::new(line.start, line.start + name),
            value: Span::new(line.start + colon + 1, line.end),
            whole: Span::new(line.start, line.next),
        });
    }

    /// A line in the header that is no field: passed over, unless it is the first delimiter of the
    /// multipart whose header this is.
    fn junk_line(&mut self, entity: EntityId, line: Line) -> Then {
        let text = self.slice(line.start, line.end);
        let Some(Frame { state: State::Header(header), .. }) = self.frames.last_mut() else { return Then::Next };
        let (first_field, default_media) = (header.first_field, header.default_media);
        if let Some(delimiter) = text.strip_prefix(b"--")
            && !self.policy.blind
            && !std::mem::replace(&mut header.looked_ahead, true)
        {
            let fields = self.builder.graph.fields.get(first_field..).unwrap_or(&[]);
            let head = head::read(self.bytes, fields, default_media, &mut |_, _| {});
            if head.boundary.as_deref() == Some(trim_blanks(delimiter)) {
                let span = Span::new(line.start, line.start);
                self.builder.note(entity, DefectCode::MissingSeparator, span);
                self.builder.ask(entity, Ask::Blind);
                self.finish_header(line.start, false, false);
                return Then::Again;
            }
        }
        let hidden = hidden_field(text, line);
        if self.policy.lax_fields
            && let (Some(field), Some(Frame { state: State::Header(header), .. })) = (hidden, self.frames.last_mut())
        {
            header.in_field = true;
            self.builder.graph.fields.push(field);
            self.builder.ask(entity, Ask::Head);
            return Then::Next;
        }
        let has_fields = self.builder.graph.fields.len() > first_field;
        if let Some(Frame { state: State::Header(header), .. }) = self.frames.last_mut() {
            // To some a line that begins with a colon is a field, without a name.
            let nameless = header.fields_first && text.starts_with(b":");
            if header.junk_ends && (!header.fields_first || has_fields) && !nameless {
                let swallow = self.policy.swallow && header.fields_first;
                self.finish_header(if swallow { line.next } else { line.start }, false, false);
                return if swallow { Then::Next } else { Then::Again };
            }
            header.in_field = false;
            if !text.starts_with(b":") {
                header.junk.get_or_insert(line.start);
            }
        }
        self.builder.ask(entity, if is_nothing(text) { Ask::BlankEnds } else { Ask::JunkEnds });
        if let Some(field) = hidden
            && self.builder.hidden_fields.len() < MAX_HIDDEN
        {
            self.builder.hidden_fields.push((entity, field));
            self.builder.ask(entity, Ask::Head);
            self.builder.ask(entity, Ask::LaxFields);
        }
        self.builder.note(entity, DefectCode::HeaderWithoutColon, Span::new(line.start, line.end));
        Then::Next
    }

    /// Ends the open header; the body begins at `body`. `unended`: no empty line came. `as_leaf`: a
    /// limit was reached, and what follows is not read as structure.
    pub(super) fn finish_header(&mut self, mut body: usize, unended: bool, mut as_leaf: bool) {
        let Some(Frame { entity: id, state: State::Header(header), .. }) = self.frames.pop() else { return };
        let fields = &mut self.builder.graph.fields;
        let mut start = header.start;
        body = body.max(start);
        let passed = body;
        let limited = as_leaf;
        if let Some(junk) = header.junk {
            if fields.len() == header.first_field {
                // Nothing of it is a header: all of it is body.
                (body, as_leaf) = (start, true);
            } else if unended {
                // Nothing says where the header ends; what cannot belong to it is body.
                (body, as_leaf) = (junk, true);
                let kept = fields.partition_point(|field| (field.whole.start as usize) < junk);
                fields.truncate(kept.max(header.first_field));
                self.builder.note(id, DefectCode::MissingSeparator, Span::new(junk, junk));
            }
        }
        start = start.min(body);
        // The fields are not in their place while they are read.
        let all_fields = std::mem::take(&mut self.builder.graph.fields);
        let fields = all_fields.get(header.first_field..).unwrap_or(&[]);
        let (no_fields, range) = (fields.is_empty(), (header.first_field, all_fields.len()));
        let span = Span::new(start, body);
        let default_media = if as_leaf { "text/plain" } else { header.default_media };
        let builder = &mut *self.builder;
        if let Some(at) = memchr::memchr(0, span.of(self.bytes)) {
            builder.note(id, DefectCode::NulByte, Span::new(start + at, start + at + 1));
        }
        let head = head::read(self.bytes, fields, default_media, &mut |code, span| builder.note(id, code, span));
        builder.graph.fields = all_fields;
        let Some(entity) = builder.entity(id) else { return };
        if no_fields && (entity.is_message_head() || header.junk.is_some()) {
            builder.note(id, DefectCode::NoHeader, span);
        }
        let Some(entity) = builder.entity(id) else { return };
        entity.header = span;
        entity.body = Span::new(body, body);
        entity.fields = (Span::new(range.0, range.1).start, Span::new(range.0, range.1).end);
        let behind = self.bytes.get(body..).unwrap_or(&[]);
        if if no_fields { late_header(behind).is_some() } else { header_goes_on(behind).is_some() } {
            self.builder.ask(id, Ask::SkipBlank);
        }
        if head.odd && as_leaf && !limited {
            self.builder.ask(id, Ask::Head);
        }
        self.open_body(id, head, body, as_leaf);
        if body < passed
            && let Some(Frame { state: State::Leaf(watch), .. }) = self.frames.last_mut()
        {
            watch.look_back(self.bytes, Span::new(body, passed));
        }
    }

    /// Stores what the header says and goes on with the body in its strict shape.
    fn open_body(&mut self, id: EntityId, head: Head, body: usize, as_leaf: bool) {
        let mut strict = head.strict();
        let encoding = head.encoding;
        let odd = head.odd;
        let Some(entity) = self.builder.entity(id) else { return };
        entity.media = head.media;
        entity.encoding = head.encoding;
        entity.charset = head.charset;
        entity.names = head.names;
        entity.disposition = head.disposition;
        let (depth, header) = (entity.depth, entity.header);
        if as_leaf {
            strict = Candidate::Leaf;
        }
        let is_container = !matches!(strict, Candidate::Leaf);
        if is_container && (depth >= self.builder.limits.depth || self.builder.is_full()) {
            self.builder.note(id, DefectCode::LimitReached, header);
            strict = Candidate::Leaf;
        }
        let encoded = matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable);
        if encoded && is_container {
            self.builder.note(id, DefectCode::EncodedMultipart, header);
        }
        if !as_leaf && (odd || (encoded && is_container)) {
            self.builder.ask(id, Ask::Head);
        }
        let state = match strict {
            Candidate::Leaf => {
                if let Some(encoding) = self.inherited(id) {
                    self.builder.ask(id, Ask::Inherited(encoding));
                }
                State::Leaf(Watch::new(self.builder.entity(id)))
            }
            Candidate::Multipart { boundary, digest } => self.open_multipart(id, boundary, digest),
            Candidate::Message if encoded && !self.is_plain_message(encoding, body) => {
                self.builder.queue.push_back(Job { entity: id, candidate: Candidate::Message });
                State::Leaf(Watch::default())
            }
            Candidate::Message => State::Message,
        };
        let is_message = matches!(state, State::Message);
        self.frames.push(Frame { entity: id, state, settled: false });
        if is_message {
            self.builder.set_shape(id, Shape::Message);
            let last = self.builder.is_last();
            let child = self.builder.add(Some(id), self.buffer, body, None);
            if last {
                self.builder.note(id, DefectCode::LimitReached, header);
                self.stop_in(child);
            } else {
                self.open(child, body, "text/plain");
            }
        }
    }

    /// The encoding that a multipart around a part names, where the part names none: some take it for the part's.
    fn inherited(&self, id: EntityId) -> Option<Encoding> {
        let graph = &self.builder.graph;
        let part = graph.entities.get(id.0 as usize)?;
        let mut around = part;
        for _ in 0..MAX_INHERITED {
            around = graph.entities.get(around.parent?.0 as usize)?;
            if around.buffer != part.buffer || around.shape() != Shape::Multipart {
                return None;
            }
            if matches!(around.encoding, Encoding::Base64 | Encoding::QuotedPrintable) {
                let fields = graph.fields.get(part.fields.0 as usize..part.fields.1 as usize).unwrap_or(&[]);
                let names_one = fields.iter().any(|field| field.name_is(self.bytes, "content-transfer-encoding"));
                return (!names_one).then_some(around.encoding);
            }
        }
        None
    }

    /// A limit is reached: all that is left becomes the body of this leaf.
    pub(super) fn stop_in(&mut self, leaf: EntityId) {
        self.boundaries.clear();
        self.stopped = true;
        if let Some(entity) = self.builder.entity(leaf) {
            "text/plain".clone_into(&mut entity.media);
        }
        self.frames.push(Frame { entity: leaf, state: State::Leaf(Watch::default()), settled: false });
    }

    fn open_multipart(&mut self, id: EntityId, boundary: Vec<u8>, digest: bool) -> State {
        self.builder.set_shape(id, Shape::Multipart);
        if let Some(outer) = self.boundaries.get(&boundary).and_then(|level| self.frames.get(*level)) {
            let outer = outer.entity;
            let header = self.builder.entity(id).map(|entity| entity.header).unwrap_or_default();
            self.builder.note(id, DefectCode::BoundaryReused, header);
            self.builder.ask(outer, Ask::Inner);
        } else {
            self.boundaries.insert(boundary.clone(), self.frames.len());
        }
        State::Multipart(Multipart::new(boundary, digest))
    }

    /// Whether a message that says it is in base64 is not: base64 has no colons.
    fn is_plain_message(&self, encoding: Encoding, body: usize) -> bool {
        encoding == Encoding::Base64 && looks_like_message(self.slice(body, self.bytes.len()))
    }
}

/// Whether a line holds nothing but white space and controls.
fn is_nothing(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte <= b' ')
}

/// Whether a line ends with CRLF, and the one in front of it with LF alone.
fn has_other_end(bytes: &[u8], line: Line) -> bool {
    let before = bytes.get(..line.start).unwrap_or(&[]);
    line.next.saturating_sub(line.end) == 2 && before.ends_with(b"\n") && !before.ends_with(b"\r\n")
}

/// A line that would be one of the fields of MIME, were it not for blanks, controls or bytes above 127
/// in its name, a colon in front of it, or a blank in place of its colon.
fn hidden_field(text: &[u8], line: Line) -> Option<Field> {
    let front = text.iter().take_while(|byte| **byte <= b' ' || **byte == b':').count();
    let (text, line) = (text.get(front..)?, Line { start: line.start.saturating_add(front), ..line });
    let near = text.get(..MAX_HIDDEN_NAME.min(text.len()))?;
    let word = near.iter().position(|byte| *byte <= b' ').filter(|at| near.get(..*at).is_some_and(is_mime));
    let colon = word.or_else(|| memchr::memchr(b':', near))?;
    let name = text.get(..colon)?;
    is_mime(name).then(|| Field {
        name: Span::new(line.start, line.start.saturating_add(colon)),
        value: Span::new(line.start.saturating_add(colon).saturating_add(1), line.end),
        whole: Span::new(line.start, line.next),
    })
}

/// Whether a name is one of those that say how to read a body, but for blanks, controls and bytes above
/// 127 in it, or what stands in front of it or behind it.
fn is_mime(name: &[u8]) -> bool {
    let visible = name.iter().filter(|byte| (33..=126).contains(*byte)).map(u8::to_ascii_lowercase);
    let is = |known: &str| visible.clone().eq(known.bytes());
    is("content-type") || is("content-transfer-encoding") || head::holds_encoding_name(name)
}

/// Where fields of MIME begin behind blank lines, or behind a few lines of junk: some clients pass over
/// what stands in front of them.
pub(in crate::graph) fn late_header(body: &[u8]) -> Option<usize> {
    let text = body.get(..MAX_LATE.min(body.len())).unwrap_or(body);
    let starts = |line: &[u8]| line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
    let blank = text.len().saturating_sub(text.trim_ascii_start().len());
    let behind = text.get(blank..).unwrap_or(&[]);
    if starts(behind) || looks_like_message(behind) {
        return Some(blank);
    }
    let mut lines = Lines::new(text, 0);
    for _ in 0..MAX_JUNK_LINES {
        let line = lines.next()?;
        if text.get(line.start..line.end).is_some_and(|line| line.starts_with(b"--")) {
            // That is structure, not junk.
            return None;
        }
        if text.get(line.start..line.end).is_some_and(|line| starts(line) && field_name(line).is_some()) {
            return Some(line.start);
        }
    }
    None
}

/// Where a header goes on behind the empty line that ends it: nothing but fields, continuations and blank
/// lines, up to one that says how a body is encoded, or that it has parts.
pub(crate) fn header_goes_on(body: &[u8]) -> Option<usize> {
    let text = body.get(..MAX_LATE.min(body.len())).unwrap_or(body);
    let (mut lines, mut first) = (Lines::new(text, 0), None);
    while let Some(line) = lines.next() {
        let text = text.get(line.start..line.end).unwrap_or(&[]);
        if text.first().is_none_or(u8::is_ascii_whitespace) {
            continue;
        }
        let (name, colon) = field_name(text)?;
        first.get_or_insert(line.start);
        let (name, value) = (text.get(..name)?, text.get(colon..)?.to_ascii_lowercase());
        let says = |what: &[u8]| memchr::memmem::find(&value, what).is_some();
        let encodes = name.eq_ignore_ascii_case(b"content-transfer-encoding") && (says(b"base64") || says(b"quoted"));
        if encodes || (name.eq_ignore_ascii_case(b"content-type") && says(b"multipart")) {
            return first;
        }
    }
    None
}

/// The length of the field name that a line begins with, and the offset of its colon; `None` if the
/// line is no field (RFC 5322 section 2.2; blanks before the colon as in section 4.5).
pub(in crate::graph) fn field_name(text: &[u8]) -> Option<(usize, usize)> {
    let colon = memchr::memchr(b':', text)?;
    let name = trim_blanks(text.get(..colon)?);
    let valid = !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte));
    valid.then_some((name.len(), colon))
}
