//! Disk images of macOS (DMG, "UDIF"): each partition as one member, its blocks unpacked. The format is not
//! published; what is read is what images hold: a trailer, a list in XML, tables of blocks.
//!
//! Limits: [`MAX_LIST`], [`MAX_TABLES`], [`MAX_BLOCKS`], [`MAX_GAP`], and the budget. Not handled: images in several files; what file system a partition has (HFS+ and APFS are reported).

use mail::evidence::UnscannedReason;
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::bytes::{be32, be64, between};
use crate::container::{Container, Member};
use crate::decode::{End, Method, append};
use crate::names;

/// The trailer's size, in bytes: the last of the file.
const TRAILER: usize = 512;
/// Largest list in XML, in bytes.
const MAX_LIST: usize = 16 << 20;
/// Most tables of blocks.
const MAX_TABLES: usize = 256;
/// How far behind its table a partition's name is looked for, in bytes.
const MAX_NAMED: usize = 1024;
/// Most blocks of all tables: fewer than a list has room for.
const MAX_BLOCKS: usize = 1 << 18;
/// Longest run of zeros that is written, in bytes; of longer ones so much.
const MAX_GAP: u64 = 16 << 20;
/// Size of a table's head and of an entry, in bytes.
const HEAD: usize = 204;
const ENTRY: usize = 40;
/// Size of a sector, in bytes.
const SECTOR: u64 = 512;
/// Kinds of blocks.
const ZEROS: u32 = 0;
const RAW: u32 = 1;
const UNUSED: u32 = 2;
const ADC: u32 = 0x8000_0004;
const ZLIB: u32 = 0x8000_0005;
const BZIP2: u32 = 0x8000_0006;
const LZFSE: u32 = 0x8000_0007;
const XZ: u32 = 0x8000_0008;
const REMARK: u32 = 0x7fff_fffe;
const END: u32 = 0xffff_ffff;

/// Whether these bytes end as such an image does.
pub(crate) fn ends(data: &[u8]) -> bool {
    let trailer = between(data, data.len().saturating_sub(TRAILER), data.len());
    trailer.len() == TRAILER && trailer.starts_with(b"koly") && be32(trailer, 8) == Some(512)
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An image.
pub(crate) struct Dmg {
    tables: std::vec::IntoIter<Table>,
    /// Where the blocks begin.
    fork: usize,
    blocks: usize,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Dmg {
    /// Reads the trailer and the list.
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let trailer = between(data, data.len().saturating_sub(TRAILER), data.len());
        let number = |at: usize| place(be64(trailer, at).unwrap_or(u64::MAX));
        let (fork, start, length) = (number(24), number(216), number(224));
        let list = between(data, start, start.saturating_add(length.min(MAX_LIST)));
        let mut problems = Vec::new();
        let (tables, more) = match budget.burn((list.len() as u64).saturating_mul(4)) {
            Ok(()) => tables(list),
            Err(limit) => {
                problems.push(limit.into());
                (Vec::new(), false)
            }
        };
        if more {
            problems.push(UnscannedReason::LimitObjects);
        }
        if length > MAX_LIST && list.len() == MAX_LIST {
            problems.push(UnscannedReason::LimitBytes);
        }
        if tables.is_empty() && problems.is_empty() {
            problems.push(UnscannedReason::Damaged);
        }
        // One of several files holds only some of the blocks.
        if be32(trailer, 60).is_some_and(|files| files > 1) {
            problems.push(UnscannedReason::Volume);
        }
        let meter = Meter::new(data.len() as u64);
        Self { tables: tables.into_iter(), fork, blocks: 0, index: 0, meter, problems }
    }

    /// The content of a partition.
    fn partition(&mut self, table: &[u8], data: &[u8], member: &mut Member, budget: &mut Budget) {
        let base = self.fork.saturating_add(place(be64(table, 24).unwrap_or(0)));
        if !table.starts_with(b"mish") {
            member.problem(UnscannedReason::Damaged);
        }
        for entry in between(table, HEAD, table.len()).chunks_exact(ENTRY) {
            self.blocks = self.blocks.saturating_add(1);
            if self.blocks > MAX_BLOCKS {
                return member.problem(UnscannedReason::LimitObjects);
            }
            let kind = be32(entry, 0).unwrap_or(END);
            if kind == END {
                return;
            }
            let [sectors, offset, length] = [16, 24, 32].map(|at| be64(entry, at).unwrap_or(0));
            let start = base.saturating_add(place(offset));
            let packed = between(data, start, start.saturating_add(place(length)));
            if (packed.len() as u64) < length {
                member.problem(UnscannedReason::Damaged);
            }
            let method = match kind {
                REMARK => continue,
                ZEROS | UNUSED => {
                    if let Err(limit) = self.zeros(sectors.saturating_mul(SECTOR).min(MAX_GAP), member, budget) {
                        return member.problem(limit);
                    }
                    continue;
                }
                ADC => {
                    let begun = member.content.len();
                    if let Err(limit) = self.adc(packed, member, budget) {
                        return member.problem(limit);
                    }
                    short(begun, sectors, member);
                    continue;
                }
                RAW => Method::Stored,
                ZLIB => Method::Deflate,
                BZIP2 => Method::Bzip2,
                LZFSE => Method::Lzfse,
                XZ => Method::Xz,
                _ => {
                    member.problem(UnscannedReason::UnknownFormat);
                    continue;
                }
            };
            let packed = if kind == ZLIB { between(packed, 2, packed.len()) } else { packed };
            let begun = member.content.len();
            let decoded = append(method, packed, std::mem::take(&mut member.content), budget, &mut self.meter);
            member.content = decoded.content;
            match decoded.end {
                End::Complete => short(begun, sectors, member),
                End::Limit(limit) => return member.problem(limit.into()),
                End::Unknown => member.problem(UnscannedReason::UnknownFormat),
                End::Broken => member.problem(UnscannedReason::Damaged),
            }
        }
    }

    fn zeros(&mut self, bytes: u64, member: &mut Member, budget: &mut Budget) -> Result<(), UnscannedReason> {
        budget.produce(&mut self.meter, bytes, 0)?;
        member.content.resize(member.content.len().saturating_add(place(bytes)), 0);
        Ok(())
    }

    /// Apple's own compression: literals, and copies of what stands at most 64 KiB before.
    fn adc(&mut self, packed: &[u8], member: &mut Member, budget: &mut Budget) -> Result<(), UnscannedReason> {
        let (mut at, begun) = (0_usize, member.content.len());
        while let Some(control) = packed.get(at).copied() {
            let low = usize::from(control);
            let next = |step: usize| packed.get(at.saturating_add(step)).copied().map_or(0, usize::from);
            let (length, back, step) = match control {
                0x80.. => ((low & 0x7f).saturating_add(1), None, 1),
                0x40..=0x7f => ((low & 0x3f).saturating_add(4), Some(next(1) << 8 | next(2)), 3),
                _ => ((low >> 2 & 0xf).saturating_add(3), Some((low & 3) << 8 | next(1)), 2),
            };
            at = at.saturating_add(step);
            budget.produce(&mut self.meter, length as u64, at as u64)?;
            if let Some(back) = back {
                for _ in 0..length {
                    let from = member.content.len().checked_sub(back.saturating_add(1));
                    let byte = from.filter(|from| *from >= begun).and_then(|from| member.content.get(from).copied());
                    let Some(byte) = byte else { return Err(UnscannedReason::Damaged) };
                    member.content.push(byte);
                }
            } else {
                member.content.extend_from_slice(between(packed, at, at.saturating_add(length)));
                at = at.saturating_add(length);
            }
        }
        Ok(())
    }
}

/// Tells of a block that gave less than its sectors: a stream may have ended before its content does.
fn short(begun: usize, sectors: u64, member: &mut Member) {
    let made = member.content.len().saturating_sub(begun) as u64;
    if made < sectors.saturating_mul(SECTOR) {
        member.problem(UnscannedReason::Damaged);
    }
}

/// A table of blocks, with the name of its partition.
type Table = (String, Vec<u8>);

/// The tables of blocks that a list names, and whether there are more.
fn tables(list: &[u8]) -> (Vec<Table>, bool) {
    let (mut all, mut rest) = (Vec::new(), list);
    let mut name = String::new();
    let element = |text: &[u8], open: &[u8], close: &[u8]| -> Option<(usize, usize)> {
        let start = memchr::memmem::find(text, open)?.saturating_add(open.len());
        let end = memchr::memmem::find(between(text, start, text.len()), close)?.saturating_add(start);
        Some((start, end))
    };
    // Names stand behind the data of their own partition: they come in the order of their keys.
    while let Some((start, end)) = element(rest, b"<data>", b"</data>") {
        if all.len() >= MAX_TABLES {
            return (all, true);
        }
        let digits: Vec<u8> =
            between(rest, start, end).iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        rest = between(rest, end, rest.len());
        let own = between(rest, 0, MAX_NAMED);
        let own = between(own, 0, memchr::memmem::find(own, b"</dict>").unwrap_or(own.len()));
        let named = memchr::memmem::find(own, b"<key>Name</key>").map(|at| between(own, at, own.len()));
        if let Some((text, (from, to))) = named.and_then(|text| Some((text, element(text, b"<string>", b"</string>")?)))
        {
            name = names::decode(between(text, from, to));
        }
        // Other lists hold data as well.
        let table = mail::transfer::decode(mail::graph::Encoding::Base64, &digits, usize::MAX).bytes;
        if table.starts_with(b"mish") {
            all.push((std::mem::take(&mut name), table));
        }
    }
    (all, false)
}

impl Container for Dmg {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if let Some(limit) = budget.exhausted() {
            if !self.problems.contains(&limit.into()) {
                self.problems.push(limit.into());
            }
            return None;
        }
        let (name, table) = self.tables.next()?;
        self.meter.next_object();
        let name = Some(Untrusted::new(names::cut(name))).filter(|name| !name.raw().is_empty());
        let mut member = Member { index: self.index, name, ..Member::default() };
        self.index = self.index.saturating_add(1);
        self.partition(&table, data, &mut member, budget);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
