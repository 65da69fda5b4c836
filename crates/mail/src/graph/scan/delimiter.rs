//! Delimiters of multiparts.

use super::header::field_name;
use super::{Frame, Multipart, Scan, State, trim_blanks};
use crate::defect::DefectCode;
use crate::graph::lines::Line;
use crate::graph::readings::Ask;
use crate::graph::{EntityId, Slot};
use crate::span::Span;

/// How many open multiparts are compared with a line that only begins like a delimiter.
const MAX_COMPARED: usize = 16;

impl Scan<'_, '_, '_, '_> {
    /// Handles a line that is a delimiter of an open multipart; says whether it was one.
    #[inline]
    pub(super) fn delimiter(&mut self, line: Line) -> bool {
        // Nearly all lines end here.
        if !self.policy.prefix && self.bytes.get(line.start) != Some(&b'-') {
            return false;
        }
        !self.boundaries.is_empty() && self.may_be_delimiter(line)
    }

    fn may_be_delimiter(&mut self, line: Line) -> bool {
        let text = self.slice(line.start, line.end);
        let in_header =
            matches!(self.frames.last(), Some(Frame { state: State::Header(header), .. }) if !header.first_line);
        if in_header && self.policy.blind {
            let swallowed = self.policy.swallow && self.outermost(text).is_some();
            if swallowed {
                self.finish_header(line.next, false, false);
            }
            return swallowed;
        }
        let (mut at, mut behind) = (line.start, None);
        let found = if self.policy.prefix {
            self.anywhere(text).map(|(level, closing, offset, end)| {
                at = at.saturating_add(offset);
                behind = Some(line.start.saturating_add(end));
                (level, closing)
            })
        } else if self.policy.inner {
            self.innermost(text)
        } else if self.policy.any_case {
            self.in_any_case(text)
        } else {
            self.outermost(text)
        };
        let Some((level, closing)) = found else {
            self.note_prefix(text, line);
            self.note_case(text);
            return false;
        };
        self.ask_about_inner(level);
        if in_header && let Some(frame) = self.frames.get(level) {
            self.builder.ask(frame.entity, Ask::Blind);
        }
        let end = if at > line.start { at } else { self.before_line_end(at) };
        self.close_parts(level, end, at);
        let reopen = self.policy.reopen;
        let Some(Frame { entity, state: State::Multipart(multipart), .. }) = self.frames.get_mut(level) else {
            return true;
        };
        let entity = *entity;
        multipart.preamble_end.get_or_insert(end);
        if multipart.closed {
            self.builder.note(entity, DefectCode::ContentAfterClose, Span::new(line.start, line.end));
            self.builder.ask(entity, Ask::Reopen);
        } else if closing && !reopen {
            multipart.closed = true;
            multipart.epilogue = Some(line.next);
        } else {
            multipart.parts = multipart.parts.saturating_add(1);
            let default_media = if multipart.digest { "message/rfc822" } else { "text/plain" };
            self.part_behind(entity, line, behind, default_media);
        }
        true
    }

    /// Opens the part after a delimiter; its first field may stand in the delimiter's own line.
    fn part_behind(&mut self, entity: EntityId, line: Line, behind: Option<usize>, default_media: &'static str) {
        let is_field = |at: usize| {
            let rest = self.slice(at, line.end);
            rest.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-")) && field_name(rest).is_some()
        };
        match behind.filter(|at| is_field(*at)) {
            Some(at) => {
                self.open_part(entity, Line { end: at, next: at, ..line }, default_media);
                if let Some(Frame { state: State::Header(_), .. }) = self.frames.last() {
                    let _next = self.header_line(Line { start: at, ..line });
                }
            }
            None => self.open_part(entity, line, default_media),
        }
    }

    /// The strict way: the whole line, and the outermost multipart that it fits. Gives its frame and
    /// whether the line closes it.
    fn outermost(&self, text: &[u8]) -> Option<(usize, bool)> {
        let text = trim_blanks(text.strip_prefix(b"--")?);
        let opens = self.boundaries.get(text).copied();
        let closes = text.strip_suffix(b"--").and_then(|text| self.boundaries.get(text)).copied();
        match (opens, closes) {
            (Some(open), Some(close)) => Some((open.min(close), close < open)),
            (Some(open), None) => Some((open, false)),
            (None, Some(close)) => Some((close, true)),
            (None, None) => None,
        }
    }

    /// The open multiparts from the innermost outwards, with their frames.
    fn multiparts(&self) -> impl Iterator<Item = (usize, EntityId, &Multipart)> {
        self.frames.iter().enumerate().rev().filter_map(|(level, frame)| match &frame.state {
            State::Multipart(multipart) => Some((level, frame.entity, multipart)),
            _ => None,
        })
    }

    /// Only the innermost multipart that is not closed counts.
    fn innermost(&self, text: &[u8]) -> Option<(usize, bool)> {
        let text = trim_blanks(text.strip_prefix(b"--")?);
        let (level, _, multipart) = self.multiparts().take(MAX_COMPARED).find(|(_, _, multipart)| !multipart.closed)?;
        let opens = text == multipart.boundary.as_slice();
        let closes = text.strip_suffix(b"--") == Some(multipart.boundary.as_slice());
        (opens || closes).then_some((level, closes && !opens))
    }

    /// The innermost multipart that the whole line fits, in whatever case its letters are.
    fn in_any_case(&self, text: &[u8]) -> Option<(usize, bool)> {
        let text = trim_blanks(text.strip_prefix(b"--")?);
        let inner = text.strip_suffix(b"--");
        self.multiparts().take(MAX_COMPARED).find_map(|(level, _, multipart)| {
            let opens = text.eq_ignore_ascii_case(&multipart.boundary);
            let closes = inner.is_some_and(|text| text.eq_ignore_ascii_case(&multipart.boundary));
            (opens || closes).then_some((level, closes && !opens))
        })
    }

    /// Asks for a reading in which letters stand for both their cases, where a line is a delimiter in one.
    fn note_case(&mut self, text: &[u8]) {
        let Some((level, _)) = self.in_any_case(text).filter(|_| self.outermost(text).is_none()) else { return };
        if let Some(Frame { entity, state: State::Multipart(multipart), .. }) = self.frames.get_mut(level)
            && !std::mem::replace(&mut multipart.case_seen, true)
        {
            self.builder.ask(*entity, Ask::AnyCase);
        }
    }

    /// The innermost multipart whose delimiter stands in the line, where it does, and where it ends.
    fn anywhere(&self, text: &[u8]) -> Option<(usize, bool, usize, usize)> {
        let first = memchr::memmem::find(text, b"--")?;
        let rest = text.get(first..)?;
        self.multiparts().take(MAX_COMPARED).find_map(|(level, _, multipart)| {
            let delimiter = [b"--", multipart.boundary.as_slice()].concat();
            let at = memchr::memmem::find(rest, &delimiter)?;
            let end = at.saturating_add(delimiter.len());
            let behind = rest.get(end..).unwrap_or(&[]);
            // Blanks in front belong to it.
            let before = text.get(..first.saturating_add(at)).unwrap_or(&[]);
            let at = if before.trim_ascii().is_empty() { 0 } else { before.len() };
            Some((level, behind.starts_with(b"--"), at, first.saturating_add(end)))
        })
    }

    /// Notes a line that some clients take for a delimiter.
    fn note_prefix(&mut self, text: &[u8], line: Line) {
        if self.policy.prefix {
            return;
        }
        let Some(text) = text.strip_prefix(b"--") else { return };
        let fits = |multipart: &Multipart| !multipart.prefix_seen && text.starts_with(&multipart.boundary);
        let found = self.multiparts().take(MAX_COMPARED).find(|(_, _, multipart)| fits(multipart));
        let Some((level, entity, _)) = found else { return };
        if let Some(Frame { state: State::Multipart(multipart), .. }) = self.frames.get_mut(level) {
            multipart.prefix_seen = true;
        }
        self.builder.note(entity, DefectCode::BoundaryPrefix, Span::new(line.start, line.end));
        self.builder.ask(entity, Ask::Prefix);
    }

    /// A multipart inside that is not closed would not see this delimiter in some clients.
    fn ask_about_inner(&mut self, level: usize) {
        let inside = self.frames.get(level.saturating_add(1)..).unwrap_or(&[]);
        let open = |frame: &Frame| matches!(&frame.state, State::Multipart(inner) if inner.parts > 0 && !inner.closed);
        if inside.iter().any(open)
            && let Some(frame) = self.frames.get(level)
        {
            self.builder.ask(frame.entity, Ask::Inner);
        }
    }

    /// Opens the part after a delimiter; the last that the limit allows takes all that is left.
    fn open_part(&mut self, multipart: EntityId, line: Line, default_media: &'static str) {
        let delimiter = Span::new(line.start, line.next);
        let slot = Slot { delimiter, end: delimiter.end, followed: false };
        let last = self.builder.is_last();
        let part = self.builder.add(Some(multipart), self.buffer, line.next, Some(slot));
        if last {
            self.builder.note(multipart, DefectCode::LimitReached, delimiter);
            self.stop_in(part);
        } else {
            self.open(part, line.next, default_media);
        }
    }
}
