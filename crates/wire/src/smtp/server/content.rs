//! Reading content: size and line ends are judged on the way, and the true end is always found.

use super::event::{ContentFault, Event};
use super::{Asked, CONTENT_CHUNK, Phase, Server};
use crate::dot::{DotReader, LineEnds};

/// Content being read.
pub(super) struct Content {
    dots: DotReader,
    size: u64,
    fault: Option<ContentFault>,
}

impl Content {
    pub(super) fn new(line_ends: LineEnds) -> Self {
        Content { dots: DotReader::new(line_ends), size: 0, fault: None }
    }

    pub(super) fn ended(&self) -> bool {
        self.dots.ended()
    }

    /// Reads from `input`: bytes used, and the content in them.
    fn read(&mut self, input: &[u8], max_size: u64) -> (usize, Vec<u8>) {
        let mut out = Vec::with_capacity(input.len());
        let used = self.dots.push(input, &mut out);
        // Order matters: `out` ends where a wrong line end was met, so a size that was reached before counts first.
        self.size = self.size.saturating_add(u64::try_from(out.len()).unwrap_or(u64::MAX));
        let too_large = max_size != 0 && self.size > max_size;
        let too_large = too_large.then_some(ContentFault::TooLarge);
        self.fault = self.fault.or(too_large).or(self.dots.fault().map(ContentFault::LineEnd));
        (used, out)
    }
}

impl Server {
    /// Reads a piece of content.
    pub(super) fn read_content(&mut self) -> Option<Event> {
        let max_size = self.max_size();
        let Phase::Content(content) = &mut self.phase else { return None };
        let pending = self.input.pending();
        let (used, out) = content.read(pending.get(..CONTENT_CHUNK).unwrap_or(pending), max_size);
        let wanted = content.fault.is_none() && !out.is_empty();
        self.input.consume(used);
        wanted.then_some(Event::Content(out))
    }

    /// The end of the content. The next bytes are commands.
    pub(super) fn content_end(&mut self) -> Event {
        let result = match &self.phase {
            Phase::Content(content) => content.fault.map_or(Ok(content.size), Err),
            _ => Ok(0),
        };
        self.phase = Phase::Command;
        self.asked = Some(Asked::ContentEnd { fault: result.err(), each: self.config.lmtp });
        Event::ContentEnd(result)
    }
}
