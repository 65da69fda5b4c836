//! Archives of the web (WARC, ISO 28500): the block of each record, and of an answer by HTTP its body.
//!
//! Limits: [`MAX_HEAD`], [`MAX_CHUNKS`], and the budget. Not handled: records in segments, which come one by one.
//! What stands where a record should begin comes as an unlisted member.

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;

/// How a record begins.
pub(crate) const MAGIC: &[u8] = b"WARC/";
/// Longest head of a record or an answer, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Most chunks of one body.
const MAX_CHUNKS: usize = 1 << 20;
/// How much work a record is, in fuel, beside its bytes.
const RECORD_FUEL: u64 = 1024;

/// An archive.
pub(crate) struct Warc {
    at: usize,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

/// The lines of a head up to its empty line, and where what follows begins.
fn head(data: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let window = between(data, at, at.saturating_add(MAX_HEAD));
    memchr::memchr_iter(b'\n', window).find_map(|end| {
        let gap = match between(window, end.saturating_add(1), end.saturating_add(3)) {
            [b'\n', ..] => 2,
            b"\r\n" => 3,
            _ => return None,
        };
        Some((between(window, 0, end), at.saturating_add(end).saturating_add(gap)))
    })
}

/// The value of a field.
fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let is_it = between(line, 0, colon).trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        is_it.then(|| between(line, colon.saturating_add(1), line.len()).trim_ascii())
    })
}

/// A body that was sent in chunks (RFC 9112, section 7.1) as one, as far as that goes; and whether it has more than
/// are joined.
fn joined(body: &[u8]) -> (Vec<u8>, bool) {
    let (mut out, mut at) = (Vec::with_capacity(body.len()), 0_usize);
    for _ in 0..MAX_CHUNKS {
        let Some(line) = memchr::memchr(b'\n', between(body, at, at.saturating_add(256))) else { return (out, false) };
        let digits = between(body, at, at.saturating_add(line)).split(|byte| *byte == b';').next().unwrap_or_default();
        let Some(size) = std::str::from_utf8(digits).ok().and_then(|text| usize::from_str_radix(text.trim(), 16).ok())
        else {
            return (out, false);
        };
        let start = at.saturating_add(line).saturating_add(1);
        if size == 0 {
            return (out, false);
        }
        out.extend_from_slice(between(body, start, start.saturating_add(size)));
        at = start.saturating_add(size).saturating_add(2);
    }
    (out, at < body.len())
}

impl Warc {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { at: 0, index: 0, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// The next record; `None`: it is no record.
    fn record(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let (fields, start) = head(data, self.at)?;
        let length = field(fields, "Content-Length").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let end = start.saturating_add(length?);
        self.at = end.min(data.len());
        let (name, other_names) = names::split(field(fields, "WARC-Target-URI").map(names::decode));
        let mut member = Member { name, other_names, ..Member::default() };
        let block = between(data, start, end);
        match head(block, 0).filter(|_| block.starts_with(b"HTTP/")) {
            Some((answer, body)) => {
                let body = between(block, body, block.len());
                let chunked =
                    field(answer, "Transfer-Encoding").is_some_and(|how| how.eq_ignore_ascii_case(b"chunked"));
                let (whole, more) = if chunked { joined(body) } else { (Vec::new(), false) };
                if more {
                    member.problem(UnscannedReason::LimitObjects);
                }
                // Some writers put it together and leave the field.
                let content = if !whole.is_empty() { &whole } else { body };
                stored(&mut member, content, budget, &mut self.meter);
            }
            None => drop(stored(&mut member, block, budget, &mut self.meter)),
        }
        if end > data.len() {
            member.problem(UnscannedReason::Damaged);
        }
        Some(member)
    }
}

impl Container for Warc {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        loop {
            let blanks =
                between(data, self.at, data.len()).iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.at = self.at.saturating_add(blanks);
            if self.at >= data.len() {
                return None;
            }
            if let Some(limit) = budget.exhausted().or_else(|| budget.burn(RECORD_FUEL).err()) {
                self.problem(limit.into());
                self.at = data.len();
                return None;
            }
            self.meter.next_object();
            let is_record = between(data, self.at, data.len()).starts_with(MAGIC);
            let mut member = match is_record.then(|| self.record(data, budget)).flatten() {
                Some(member) if member.content.is_empty() && member.problems.is_empty() => continue,
                Some(member) => member,
                None => {
                    self.problem(UnscannedReason::Damaged);
                    let mut rest = Member { hidden: true, ..Member::default() };
                    stored(&mut rest, between(data, self.at, data.len()), budget, &mut self.meter);
                    self.at = data.len();
                    rest
                }
            };
            member.index = self.index;
            self.index = self.index.saturating_add(1);
            return Some(member);
        }
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
