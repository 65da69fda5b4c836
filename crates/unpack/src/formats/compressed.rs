//! One compressed file without an archive around it: bzip2, XZ, LZMA, lzip, Zstandard, LZ4 and
//! `compress`. One member, the content of all streams one after the other, as the programs give it;
//! what stands behind the streams, or in a frame that they skip, comes as unlisted members.
//!
//! Limits: [`MAX_STREAMS`], [`MAX_SKIPPED`], the decoders' own, and the budget. Brotli has no mark
//! to tell it by: a file is one only if its name says so and its start can be read ([`is_brotli`]). Of `pack`, `compress -H`, lzop and lrzip it is only known that
//! they are.

use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le32, le64, take};
use crate::container::{Container, Member};
use crate::decode::{End, MAX_DICTIONARY, Method, append, brotli, lz4, stored};

/// Most streams of one file. Parallel compressors write one for some megabytes, `bgzip` and its like
/// for 64 KB.
const MAX_STREAMS: u32 = 65_536;
/// Most frames that decoders skip which are given as members; smaller ones than [`SKIPPED_SIZE`]
/// are not.
const MAX_SKIPPED: usize = 64;
/// The size, in bytes, below which a skipped frame is not looked at: parallel compressors note a
/// block's length there.
const SKIPPED_SIZE: usize = 16;
/// What names of Brotli files end with, behind a dot.
const BROTLI_NAMES: [&str; 4] = ["br", "brotli", "tbr", "tbrotli"];
/// How much work the start of a stream is, in fuel, beside its bytes.
const STREAM_FUEL: u64 = 16 * 1024;

/// The compressors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stream {
    Bzip2,
    Xz,
    Lzma,
    Lzip,
    Zstd,
    Lz4,
    Compress,
    /// What was told by its name, as no other can be.
    Brotli,
    /// A frame of Zstandard or LZ4 that they skip.
    Skippable,
}

impl Stream {
    /// What stands at the start of these bytes.
    pub(crate) fn find(data: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| data.starts_with(magic);
        let word = le32(data, 0);
        // A level, then the magic of the first block or of the end.
        let block = take(data, 4, 6).is_some_and(|magic| {
            [&b"1AY&SY"[..], b"\x17\x72\x45\x38\x50\x90"].contains(&magic) && matches!(data.get(3), Some(b'1'..=b'9'))
        });
        match word {
            _ if starts(b"BZh") && block => Some(Self::Bzip2),
            _ if starts(b"\xfd7zXZ\0") => Some(Self::Xz),
            _ if starts(b"LZIP\x01") || starts(b"LZIP\0") => Some(Self::Lzip),
            _ if starts(b"\x28\xb5\x2f\xfd") => Some(Self::Zstd),
            Some(lz4::MAGIC | lz4::LEGACY_MAGIC) => Some(Self::Lz4),
            Some(0x184d_2a50..=0x184d_2a5f) => Some(Self::Skippable),
            _ if starts(b"\x1f\x9d") && matches!(data.get(2), Some(flags) if (9..=16).contains(&(flags & 0x1f))) => {
                Some(Self::Compress)
            }
            _ => Lzma::read(data).map(|_| Self::Lzma),
        }
    }

    /// Whether the one may follow the other in one file.
    fn goes_with(self, other: Self) -> bool {
        let framed = |stream| matches!(stream, Self::Skippable | Self::Zstd | Self::Lz4);
        self == other || framed(self) && framed(other)
    }
}

/// Whether a file that is nothing else is Brotli: its name says so, and its start can be read.
pub(crate) fn is_brotli(data: &[u8], name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).trim_end();
    BROTLI_NAMES.iter().any(|known| extension.eq_ignore_ascii_case(known)) && brotli::starts(data)
}

/// The head of a `.lzma` file: properties, dictionary, size.
struct Lzma {
    properties: u8,
    dictionary: u32,
    size: u64,
}

impl Lzma {
    /// Length of the head, in bytes.
    const LEN: usize = 13;

    /// The format has no magic; it is believed when all of the head is as encoders write it.
    fn read(data: &[u8]) -> Option<Self> {
        let head = Self { properties: *data.first()?, dictionary: le32(data, 1)?, size: le64(data, 5)? };
        let half_more = head.dictionary.is_multiple_of(3) && (head.dictionary / 3).is_power_of_two();
        // As xz tells them: a power of two, one and a half times one, or the largest number.
        let power = head.dictionary.is_power_of_two() || half_more || head.dictionary == u32::MAX;
        let sized = head.size == u64::MAX || head.size < 1 << 38;
        // The first byte of the range coder is always zero.
        let fits = head.properties < 225 && head.dictionary >= 4096 && power && sized;
        (fits && data.get(Self::LEN) == Some(&0)).then_some(head)
    }
}

/// A compressed file.
pub(crate) struct Compressed {
    meter: Meter,
    /// The next member's number.
    index: u32,
    /// What is still to be given beside the content.
    unlisted: Vec<Range<usize>>,
    problems: Vec<UnscannedReason>,
}

impl Compressed {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { meter: Meter::new(data.len() as u64), index: 0, unlisted: Vec::new(), problems: Vec::new() }
    }

    /// All streams of a file, as one member.
    fn content(&mut self, data: &[u8], budget: &mut Budget) -> Member {
        let mut member = Member::default();
        let mut at = 0_usize;
        let first = Stream::find(data).or_else(|| brotli::starts(data).then_some(Stream::Brotli));
        let mut streams = 0_u32;
        self.meter.next_object();
        loop {
            let rest = between(data, at, data.len());
            let brotli = (first == Some(Stream::Brotli) && at == 0).then_some(Stream::Brotli);
            let fits = |stream: &Stream| first.is_some_and(|first| first.goes_with(*stream));
            let Some(stream) = brotli.or_else(|| Stream::find(rest).filter(fits)) else { break };
            streams = streams.saturating_add(1);
            let worked = budget.burn(STREAM_FUEL).map_err(UnscannedReason::from);
            if let Err(reason) =
                worked.and(if streams > MAX_STREAMS { Err(UnscannedReason::LimitObjects) } else { Ok(()) })
            {
                member.problem(reason);
                return member;
            }
            match self.stream(stream, data, at, &mut member, budget) {
                Some(next) => at = next,
                None => return member,
            }
            // XZ may have zeros between its streams, and all may have them behind the last.
            let rest = between(data, at, data.len());
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            if zeros == rest.len() {
                return member;
            }
            let behind = at.saturating_add(zeros);
            if Stream::find(between(data, behind, data.len())).is_some_and(|next| next.goes_with(stream)) {
                at = behind;
            }
        }
        if at < data.len() {
            member.problem(UnscannedReason::Damaged);
            self.unlisted.push(at..data.len());
        }
        member
    }

    /// One stream; where the next one stands, unless it is not to be looked for.
    fn stream(
        &mut self,
        stream: Stream,
        data: &[u8],
        at: usize,
        member: &mut Member,
        budget: &mut Budget,
    ) -> Option<usize> {
        let rest = between(data, at, data.len());
        if stream == Stream::Skippable {
            let start = at.checked_add(8)?;
            let end = start.checked_add(le32(rest, 4).unwrap_or(0) as usize)?;
            if end > data.len() {
                member.problem(UnscannedReason::Damaged);
            }
            self.skipped(start..end.min(data.len()), member);
            return Some(end.min(data.len()));
        }
        let (method, head) = method(stream, rest)?;
        let content = std::mem::take(&mut member.content);
        let before = content.len();
        let decoded = append(method, between(rest, head, rest.len()), content, budget, &mut self.meter);
        let made = decoded.content.len().saturating_sub(before) as u64;
        member.content = decoded.content;
        let mut end = at.saturating_add(head).saturating_add(decoded.consumed);
        match decoded.end {
            End::Limit(limit) => {
                member.problem(limit.into());
                None
            }
            End::Broken | End::Unknown => {
                member.problem(UnscannedReason::Damaged);
                None
            }
            End::Complete => {
                if stream == Stream::Lzip {
                    // The trailer: checksum, size, and the member's own length.
                    let trailer = between(data, end, end.saturating_add(20));
                    if le32(trailer, 0) != Some(decoded.crc) || le64(trailer, 4) != Some(made) {
                        member.problem(UnscannedReason::Damaged);
                    }
                    end = end.saturating_add(20).min(data.len());
                }
                Some(end)
            }
        }
    }

    fn skipped(&mut self, range: Range<usize>, member: &mut Member) {
        if range.len() <= SKIPPED_SIZE {
            return;
        }
        if self.unlisted.len() < MAX_SKIPPED {
            self.unlisted.push(range);
        } else {
            member.problem(UnscannedReason::LimitObjects);
        }
    }
}

/// How a stream is compressed, and the length of its head where the decoder does not read it.
fn method(stream: Stream, rest: &[u8]) -> Option<(Method, usize)> {
    Some(match stream {
        Stream::Bzip2 => (Method::Bzip2, 0),
        Stream::Xz => (Method::Xz, 0),
        Stream::Brotli => (Method::Brotli, 0),
        Stream::Zstd => (Method::Zstd, 0),
        Stream::Lz4 => (Method::Lz4, 0),
        Stream::Compress => (Method::Lzw { flags: *rest.get(2)? }, 3),
        Stream::Lzma => {
            let Lzma { properties, dictionary, size } = Lzma::read(rest)?;
            // "As large as the content", which may be less than can be made.
            let dictionary = if dictionary == u32::MAX { MAX_DICTIONARY } else { dictionary };
            (Method::RawLzma { properties, dictionary, size: (size != u64::MAX).then_some(size) }, Lzma::LEN)
        }
        Stream::Lzip => {
            // RFC draft lzip, section 2: a power of two less some sixteenths of it; lc=3, lp=0, pb=2.
            let coded = u32::from(*rest.get(5)?);
            let base = 1_u32.checked_shl(coded & 0x1f)?;
            let dictionary = base.saturating_sub((base >> 4).saturating_mul(coded >> 5));
            (Method::RawLzma { properties: 0x5d, dictionary, size: None }, 6)
        }
        Stream::Skippable => return None,
    })
}

impl Container for Compressed {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let index = self.index;
        if index == 0 {
            self.index = 1;
            return Some(self.content(data, budget));
        }
        let place = usize::try_from(index).ok()?.checked_sub(1)?;
        let range = self.unlisted.get(place)?.clone();
        if let Some(limit) = budget.exhausted() {
            self.problems.push(limit.into());
            self.unlisted.clear();
            return None;
        }
        self.index = index.saturating_add(1);
        let piece = between(data, range.start, range.end);
        self.meter.next_object();
        let mut member = Member { index, hidden: true, ..Member::default() };
        stored(&mut member, piece, budget, &mut self.meter);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
