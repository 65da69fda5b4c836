//! Several messages in one file (RFC 4155): each begins with a line `From `, at the start of the file or
//! behind an empty line, in front of a header field.
//!
//! A message comes as it stands in the file, without turning `>From ` back. Limits: messages up to the
//! limit of objects, and the budget.

use mail::evidence::UnscannedReason;
use mail::graph::looks_like_message;

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::stored;

/// How far behind a separator a header field is looked for, in bytes.
const LOOK: usize = 1024;
/// How many places that look like a separator are looked at to tell the kind of a file.
const MAX_PLACES: usize = 64;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// Whether a file holds more than one message.
pub(crate) fn starts(data: &[u8]) -> bool {
    is_separator(data, 0) && looks_like_message(data) && separators(data, 1).take(MAX_PLACES).any(|(_, fits)| fits)
}

/// Where a line `From ` begins behind an empty line, from `at` on, and whether it separates messages.
fn separators(data: &[u8], at: usize) -> impl Iterator<Item = (usize, bool)> {
    let found = memchr::memmem::find_iter(between(data, at, data.len()), b"\nFrom ");
    found.filter_map(move |found| {
        let place = at.checked_add(found)?.checked_add(1)?;
        let before = between(data, 0, place);
        let empty = before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n");
        empty.then(|| (place, is_separator(data, place)))
    })
}

/// Whether a separator and a header field stand here.
fn is_separator(data: &[u8], at: usize) -> bool {
    let head = between(data, at, at.saturating_add(LOOK));
    let mut lines = head.split(|byte| *byte == b'\n');
    let separator = lines.next().is_some_and(|line| line.starts_with(b"From ") && line.contains(&b':'));
    let field = lines.next().is_some_and(|line| {
        let name = line.iter().take_while(|byte| byte.is_ascii_graphic() && **byte != b':').count();
        name > 0 && line.get(name) == Some(&b':')
    });
    separator && field
}

/// A file of messages.
pub(crate) struct Mbox {
    at: usize,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Mbox {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { at: 0, index: 0, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }
}

impl Container for Mbox {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if self.at >= data.len() {
            return None;
        }
        if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
            self.problems.push(limit.into());
            self.at = data.len();
            return None;
        }
        let rest = between(data, self.at, data.len());
        let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
        let start = self.at.saturating_add(line);
        let end = separators(data, start).find(|(_, fits)| *fits).map_or(data.len(), |(place, _)| place);
        self.at = end;
        self.meter.next_object();
        let mut member = Member { index: self.index, ..Member::default() };
        self.index = self.index.saturating_add(1);
        stored(&mut member, between(data, start, end), budget, &mut self.meter);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
