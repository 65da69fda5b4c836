//! gzip (RFC 1952): one member, the content of all streams one after the other, as `gunzip` gives it.
//!
//! Limits: [`MAX_STREAMS`], and the budget. Anything but zero padding behind the last stream is
//! damage, and comes as an unlisted member; the header checksum (FHCRC) is not verified.

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32, take};
use crate::container::{Container, Member};
use crate::decode::{End, Method, append, stored};
use crate::names;

/// Most streams of one file. Block-wise writers (bgzip) end one each 64 KB of content.
const MAX_STREAMS: u32 = 65_536;
/// How much work the start of a stream is, in fuel, beside its bytes.
const STREAM_FUEL: u64 = 16 * 1024;

/// A gzip file.
pub(crate) struct Gzip {
    meter: Meter,
    /// The next member's number.
    index: u32,
    /// What stands behind the streams.
    trailing: Option<usize>,
    problems: Vec<UnscannedReason>,
}

impl Gzip {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { meter: Meter::new(data.len() as u64), index: 0, trailing: None, problems: Vec::new() }
    }
}

impl Container for Gzip {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let index = self.index;
        self.index = index.saturating_add(1);
        if index == 0 {
            let (member, trailing) = read(data, budget, &mut self.meter);
            self.trailing = trailing;
            return Some(member);
        }
        let from = self.trailing.take()?;
        if let Some(limit) = budget.exhausted() {
            self.problems.push(limit.into());
            return None;
        }
        self.meter.next_object();
        let mut member = Member { index, hidden: true, ..Member::default() };
        stored(&mut member, between(data, from, data.len()), budget, &mut self.meter);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

/// All streams of a file, as one member, and where what is no stream begins.
fn read(data: &[u8], budget: &mut Budget, meter: &mut Meter) -> (Member, Option<usize>) {
    let mut member = Member::default();
    let mut found: Vec<String> = Vec::new();
    let mut rest = data;
    let mut streams = 0_u32;
    let mut trailing = None;
    meter.next_object();
    // Zeros behind the last stream are padding.
    while streams == 0 || rest.iter().any(|&byte| byte != 0) {
        streams = streams.saturating_add(1);
        if streams > MAX_STREAMS {
            member.problem(UnscannedReason::LimitObjects);
            break;
        }
        if let Err(limit) = budget.burn(STREAM_FUEL) {
            member.problem(limit.into());
            break;
        }
        let Some(head) = Head::read(rest) else {
            member.problem(UnscannedReason::Damaged);
            trailing = data.len().checked_sub(rest.len()).filter(|at| *at > 0);
            break;
        };
        if let Some(name) = head.name.filter(|_| found.len() <= names::MAX_OTHER_NAMES) {
            found.push(names::decode_latin1(name));
        }
        rest = between(rest, head.len, rest.len());
        match stream(&mut rest, &mut member, budget, meter) {
            End::Complete => {}
            End::Broken | End::Unknown => {
                member.problem(UnscannedReason::Damaged);
                break;
            }
            End::Limit(limit) => {
                member.problem(limit.into());
                break;
            }
        }
    }
    (member.name, member.other_names) = names::split(found);
    (member, trailing)
}

/// One stream behind its head, with its checksum and size; `rest` moves behind it.
fn stream(rest: &mut &[u8], member: &mut Member, budget: &mut Budget, meter: &mut Meter) -> End {
    let content = std::mem::take(&mut member.content);
    let before = content.len();
    let decoded = append(Method::Deflate, rest, content, budget, meter);
    member.content = decoded.content;
    let tail = between(rest, decoded.consumed, rest.len());
    *rest = between(tail, 8, tail.len());
    if decoded.end == End::Complete {
        // CRC-32, and size modulo 2^32.
        let made = member.content.len().saturating_sub(before) as u32;
        if le32(tail, 0) != Some(decoded.crc) || le32(tail, 4) != Some(made) {
            member.problem(UnscannedReason::Damaged);
        }
    }
    decoded.end
}

/// The head of a stream, RFC 1952 section 2.3.
struct Head<'a> {
    len: usize,
    name: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        const EXTRA: u8 = 4;
        const NAME: u8 = 8;
        const COMMENT: u8 = 16;
        const CHECKSUM: u8 = 2;
        let (magic, flags) = (take(data, 0, 3)?, *data.get(3)?);
        if magic != [0x1f, 0x8b, 8] {
            return None;
        }
        let mut len = 10_usize;
        if flags & EXTRA != 0 {
            len = len.checked_add(2)?.checked_add(usize::from(le16(data, len)?))?;
        }
        let mut name = None;
        if flags & NAME != 0 {
            let text = text(data, len)?;
            len = len.checked_add(text.len())?.checked_add(1)?;
            name = Some(text);
        }
        if flags & COMMENT != 0 {
            len = len.checked_add(text(data, len)?.len())?.checked_add(1)?;
        }
        if flags & CHECKSUM != 0 {
            len = len.checked_add(2)?;
        }
        Some(Self { len, name })
    }
}

/// The text at `at`, up to its NUL.
fn text(data: &[u8], at: usize) -> Option<&[u8]> {
    let rest = data.get(at..)?;
    rest.get(..memchr::memchr(0, rest)?)
}
