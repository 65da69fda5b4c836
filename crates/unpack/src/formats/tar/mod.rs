//! tar in all its dialects: v7, ustar, pax (POSIX.1-2017, pax), GNU, with sparse files of either.
//!
//! Every header with a sound checksum is a member; what programs would not show comes as unlisted:
//! members behind the end mark (archives put behind one another), what stands between members, and
//! what stands behind the last. A size that the pax header and the header itself tell differently
//! leaves either an archive as the content of a member, or bytes between members: both are seen. A sparse
//! file comes as it is meant, and once more as it stands.
//!
//! Limits: [`MAX_NAMES`] and the budget; [`sparse::MAX_REGIONS`]. Not handled: attributes, the values
//! that a global pax header sets, and volumes: a member that goes on in another file is damage.

mod header;
mod sparse;

use std::ops::Range;

use mail::evidence::UnscannedReason;
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;
use header::{BLOCK, Header};
use sparse::Region;

pub(crate) use header::is_header;

/// Most names of one member that its extended headers tell.
const MAX_NAMES: usize = names::MAX_OTHER_NAMES + 1;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// A tar archive.
pub(crate) struct Tar {
    at: usize,
    /// The next member's number.
    index: u32,
    /// The end mark was passed: what follows is not shown by most programs.
    ended: bool,
    /// The sparse file that was given last, where its bytes are not its content.
    packed: Option<(Range<usize>, Option<Untrusted<String>>)>,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

/// What the headers in front of a member's own say of it.
#[derive(Default)]
struct Extended {
    /// The last that were told, at most [`MAX_NAMES`].
    names: Vec<String>,
    size: Option<u64>,
    sparse: sparse::Keys,
}

impl Tar {
    pub(crate) fn open(data: &[u8]) -> Self {
        Self { at: 0, index: 0, ended: false, packed: None, meter: Meter::new(data.len() as u64), problems: Vec::new() }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// The next header, behind end marks; or else the bytes up to it, or to the end, that are none.
    fn find(&mut self, data: &[u8]) -> Option<Result<Header, Range<usize>>> {
        let start = loop {
            let block = between(data, self.at, self.at.saturating_add(BLOCK));
            if block.is_empty() {
                return None;
            }
            if let Some(header) = Header::read(block) {
                return Some(Ok(header));
            }
            if block.iter().any(|byte| *byte != 0) {
                break self.at;
            }
            self.ended = true;
            self.at = self.at.saturating_add(BLOCK);
        };
        while self.at < data.len() && !is_header(between(data, self.at, self.at.saturating_add(BLOCK))) {
            self.at = self.at.saturating_add(BLOCK);
        }
        self.at = self.at.min(data.len());
        Some(Err(start..self.at))
    }

    /// A member without a name, of bytes that no header tells of.
    fn piece(&mut self, data: &[u8], range: Range<usize>, budget: &mut Budget) -> Member {
        let mut member = Member { index: self.take_number(), hidden: true, ..Member::default() };
        // Bytes behind the end mark are no damage, bytes between members are.
        if !self.ended {
            self.problem(UnscannedReason::Damaged);
        }
        stored(&mut member, between(data, range.start, range.end), budget, &mut self.meter);
        member
    }

    fn take_number(&mut self) -> u32 {
        let number = self.index;
        self.index = number.saturating_add(1);
        number
    }

    /// Where `size` bytes behind the present header stand; moves behind them and their filler.
    fn take(&mut self, data: &[u8], size: u64) -> (Range<usize>, bool) {
        let start = self.at.saturating_add(BLOCK);
        let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        self.at = end.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX).min(data.len());
        (start.min(data.len())..end.min(data.len()), end > data.len())
    }

    /// A header that tells of the next one.
    fn extend(&mut self, header: &Header, data: &[u8], extended: &mut Extended) {
        let (range, cut) = self.take(data, header.size);
        if cut {
            self.problem(UnscannedReason::Damaged);
        }
        let value = between(data, range.start, range.end);
        match header.kind {
            b'L' => {
                let end = memchr::memchr(0, value).unwrap_or(value.len());
                extended.name(between(value, 0, end));
            }
            // Its records may be long, and one that matters stand behind them.
            b'x' | b'X' => extended.read_pax(value),
            // Link targets and global values.
            _ => {}
        }
    }

    /// The member of a header; `None`: it holds nothing.
    fn member(&mut self, header: &Header, extended: Extended, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let size = extended.size.unwrap_or(header.size);
        let behind = self.at.saturating_add(BLOCK);
        // Links and folders have no data whatever their size says; some programs believe it.
        let empty =
            header.is_special() && (size == 0 || is_header(between(data, behind, behind.saturating_add(BLOCK))));
        let old_sparse = (header.kind == b'S').then(|| sparse::old_gnu(data, self.at));
        let extra = old_sparse.as_ref().map_or(0, |map| map.blocks.saturating_mul(BLOCK));
        self.at = self.at.saturating_add(extra);
        let (range, cut) = self.take(data, if empty { 0 } else { size });
        if header.is_special() && range.is_empty() {
            return None;
        }
        // The last one counts.
        let told = extended.names.into_iter().rev();
        let (name, other_names) = names::split(told.chain([header.name(), header.short_name()]));
        let hidden = self.ended || header.is_special();
        let mut member = Member { index: self.take_number(), name, other_names, hidden, ..Member::default() };
        let packed = between(data, range.start, range.end);
        let cut = cut || header.kind == b'M';
        let map = old_sparse.map(|map| (map.regions, map.size, 0));
        match map.or_else(|| extended.sparse.map(packed)) {
            Some((regions, full, from)) => {
                self.expand(&mut member, &regions, full, between(packed, from, packed.len()), budget);
                // A program that knows nothing of sparse files takes what is there as the file.
                if member.content != packed {
                    self.packed = Some((range, member.name.clone()));
                }
            }
            None => {
                stored(&mut member, packed, budget, &mut self.meter);
            }
        }
        if cut {
            member.problem(UnscannedReason::Damaged);
        }
        Some(member)
    }

    /// A sparse file's bytes as they stand in the archive, as an unlisted member.
    fn as_packed(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let (range, name) = self.packed.take()?;
        self.meter.next_object();
        let mut member = Member { index: self.take_number(), name, hidden: true, ..Member::default() };
        stored(&mut member, between(data, range.start, range.end), budget, &mut self.meter);
        Some(member)
    }

    /// Puts the pieces of a sparse file where they belong, zeros between them.
    fn expand(&mut self, member: &mut Member, regions: &[Region], full: u64, packed: &[u8], budget: &mut Budget) {
        let mut from = 0_usize;
        let last = Region { offset: full, len: 0 };
        for region in regions.iter().chain([&last]) {
            let Some(mut zeros) = region.offset.checked_sub(member.content.len() as u64) else {
                // Regions that overlap or go back: what there is, as it stands.
                member.problem(UnscannedReason::Damaged);
                stored(member, between(packed, from, packed.len()), budget, &mut self.meter);
                return;
            };
            while zeros > 0 {
                let step = [0; 4096];
                let step = between(&step, 0, usize::try_from(zeros).unwrap_or(usize::MAX));
                if !stored(member, step, budget, &mut self.meter) {
                    return;
                }
                zeros = zeros.saturating_sub(step.len() as u64);
            }
            let end = from.saturating_add(usize::try_from(region.len).unwrap_or(usize::MAX));
            if end > packed.len() {
                member.problem(UnscannedReason::Damaged);
            }
            if !stored(member, between(packed, from, end), budget, &mut self.meter) {
                return;
            }
            from = end.min(packed.len());
        }
    }
}

impl Extended {
    fn name(&mut self, name: &[u8]) {
        if self.names.len() >= MAX_NAMES {
            self.names.remove(0);
        }
        self.names.push(names::decode(name));
    }

    /// Records of a pax header: their length in decimal, a blank, key=value, a line end.
    fn read_pax(&mut self, mut rest: &[u8]) {
        while let Some(blank) = memchr::memchr(b' ', between(rest, 0, 20)) {
            let Some(len) = header::decimal(between(rest, 0, blank)).and_then(|len| usize::try_from(len).ok()) else {
                return;
            };
            let start = blank.saturating_add(1);
            if len <= start {
                return;
            }
            let record = between(rest, start, len.saturating_sub(1));
            rest = between(rest, len, rest.len());
            let Some(equals) = memchr::memchr(b'=', record) else { continue };
            let (key, value) = (between(record, 0, equals), between(record, equals.saturating_add(1), record.len()));
            match key {
                b"path" | b"GNU.sparse.name" => self.name(value),
                b"size" => self.size = header::decimal(value),
                _ => self.sparse.read(key, value),
            }
        }
    }
}

impl Container for Tar {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let mut extended = Extended::default();
        loop {
            let limit = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err());
            if let Some(limit) = limit {
                if self.at < data.len() {
                    self.problem(limit.into());
                }
                self.at = data.len();
                return None;
            }
            self.meter.next_object();
            if let Some(member) = self.as_packed(data, budget) {
                return Some(member);
            }
            let header = match self.find(data)? {
                Ok(header) => header,
                Err(range) => return Some(self.piece(data, range, budget)),
            };
            if header.is_extension() {
                self.extend(&header, data, &mut extended);
            } else if let Some(member) = self.member(&header, std::mem::take(&mut extended), data, budget) {
                return Some(member);
            }
        }
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
