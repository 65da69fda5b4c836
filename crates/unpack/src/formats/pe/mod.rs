//! Programs for Windows and ELF: unpacked where the packer is known, with the files in their resources,
//! behind their end, and anywhere in them.
//!
//! Limits: [`MAX_RESOURCES`], [`MAX_PROGRAMS`], and those of the files beside this one. Resources of the
//! usual kinds (icons, dialogs, texts) and those that are of no known kind are not given: they are looked
//! at as part of the program. Not handled: .NET's own resources, 16-bit programs.

mod aplib;
mod ends;
mod header;
mod image;
mod installers;
mod mew;
mod nrv;
mod packers;
mod resources;
mod upx;
mod window;

use std::ops::Range;

use mail::evidence::{FileKind, Role, UnscannedReason};
use mail::untrusted::Untrusted;

use self::header::Program;
use self::packers::Unpacked;
use self::window::Failure;
use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::formats::{packed, several};

/// Most resources that are given.
const MAX_RESOURCES: usize = 1024;
/// Most programs in a program; more are told.
const MAX_PROGRAMS: usize = 32;
/// Most places that look like a program.
const MAX_PLACES: usize = 65_536;
/// Less than this behind the end is filler, in bytes.
const LEAST_BEHIND: usize = 16;
/// What stands in front of a certificate in the table of them: its length, version and kind, in bytes.
const CERTIFICATE_HEAD: usize = 8;

/// A part of the file that is a file itself.
struct Part {
    name: String,
    range: Range<usize>,
}

/// A program that holds something.
pub(crate) struct Executable {
    unpacked: Option<Vec<u8>>,
    parts: std::vec::IntoIter<Part>,
    meter: Meter,
    index: u32,
    problems: Vec<UnscannedReason>,
}

impl Executable {
    /// The parts of a program; `None` where it is just a program. `opened`: where
    /// archives stand in it that are opened already, no more than their own bytes where their end is known.
    pub(crate) fn open(kind: FileKind, data: &[u8], opened: &[Range<usize>], budget: &mut Budget) -> Option<Self> {
        let mut meter = Meter::new(data.len() as u64);
        let mut problems = Vec::new();
        let mut parts = Vec::new();
        let mut left = packed::allowed(data);
        let program = if kind == FileKind::Pe { Program::read(data) } else { None };
        let unpacked = match &program {
            Some(program) => {
                let small = mew::unpack(data, program, budget, &mut meter);
                let small = small.or_else(|| packers::small(data, program, budget, &mut meter));
                small.or_else(|| upx::windows(data, program, budget, &mut meter).map(Unpacked::from))
            }
            None if kind == FileKind::Elf => upx::elf(data, budget, &mut meter).map(Unpacked::from),
            None => None,
        };
        let Unpacked { content: unpacked, failure } = unpacked.unwrap_or_default();
        problems.extend(failure.map(|failure| match failure {
            Failure::Limit(limit) => limit.into(),
            Failure::Broken => UnscannedReason::Packed,
        }));
        if let Some(program) = &program {
            // A packer may have packed what another one had packed.
            let packer = packers::known(data, program);
            if packer.is_some_and(|packer| unpacked.is_none() || !["UPX", "MEW"].contains(&packer))
                && problems.is_empty()
            {
                problems.push(UnscannedReason::Packed);
            }
            if installers::known(data, program.end(data)).is_some() {
                problems.push(UnscannedReason::UnknownFormat);
            }
            parts = files(data, program, opened, &mut left, &mut problems);
        } else if let Some(end) = ends::end(kind, data) {
            // What a packer leaves behind its program is no file.
            let (behind, more) = overlay(data, end..data.len(), opened, unpacked.is_some(), &mut left);
            parts.extend(behind);
            problems.extend(more.then_some(UnscannedReason::LimitObjects));
        }
        let empty = unpacked.is_none() && parts.is_empty() && problems.is_empty();
        (!empty).then(|| Self { unpacked, parts: parts.into_iter(), meter, index: 0, problems })
    }
}

/// The files in a program: resources, what is behind its end, and other programs.
fn files(
    data: &[u8],
    program: &Program,
    opened: &[Range<usize>],
    left: &mut u64,
    problems: &mut Vec<UnscannedReason>,
) -> Vec<Part> {
    let mut parts: Vec<Part> = resources::find(data, program, MAX_RESOURCES);
    let end = program.end(data);
    let mut over = false;
    for range in behind(data, program, end) {
        let (found, more) = overlay(data, range, opened, false, left);
        parts.extend(found);
        over |= more;
    }
    // What is a program itself is looked into when it is opened.
    let inside = |part: &&Part| between(data, part.range.start, part.range.end).starts_with(b"MZ");
    let known: Vec<Range<usize>> = parts.iter().filter(inside).map(|part| part.range.clone()).collect();
    let (programs, more) = programs(data, program, &known);
    parts.extend(programs);
    if over || more || parts.len() >= MAX_RESOURCES {
        problems.push(UnscannedReason::LimitObjects);
    }
    parts
}

/// What stands behind a program's end, unless it is filler or an archive that is opened already; of what is of no
/// known kind, and of what stands beside such an archive, the first archive or compressed stream. `packed`: what is of
/// no known kind belongs to the program. `left`: how many bytes of heads may still be checked; the flag says that there
/// are more marks than that.
fn overlay(
    data: &[u8],
    range: Range<usize>,
    opened: &[Range<usize>],
    packed: bool,
    left: &mut u64,
) -> (Vec<Part>, bool) {
    let rest = between(data, range.start, range.end);
    if rest.len() < LEAST_BEHIND || rest.iter().all(|byte| *byte == 0) {
        return (Vec::new(), false);
    }
    let kind = crate::detect(rest);
    let part = |range: Range<usize>| Part { name: String::new(), range };
    let same = opened.iter().any(|archive| archive.start == range.start);
    // A zip is told by its end, whatever stands in front of it.
    let late =
        matches!(kind, FileKind::Zip | FileKind::Jar | FileKind::Ooxml | FileKind::Odf) && !rest.starts_with(b"PK");
    if kind != FileKind::Unknown && !late && !(kind.is_archive() && same) {
        return (vec![part(range)], false);
    }
    let mut inside: Vec<&Range<usize>> = opened.iter().filter(|archive| range.contains(&archive.start)).collect();
    inside.sort_unstable_by_key(|archive| archive.start);
    let (mut found, over) = several::packed_between(data, range.clone(), inside.iter().copied().cloned(), left);
    if found.is_empty() && inside.is_empty() && !packed {
        found.push(range);
    }
    (found.into_iter().map(part).collect(), over)
}

/// What stands behind the last section: in front of the certificates that signed programs have there, in
/// their table behind the certificate itself, and behind the table.
fn behind(data: &[u8], program: &Program, end: usize) -> Vec<Range<usize>> {
    let (at, size) = match program.certificates {
        (at, size) if size > 0 && at >= end && at < data.len() => (at, size),
        _ => (data.len(), 0),
    };
    let past = at.saturating_add(size).min(data.len());
    let own = at.saturating_add(certificate(between(data, at, past)));
    let filled = |range: &Range<usize>| between(data, range.start, range.end).iter().any(|byte| *byte != 0);
    [end..at, own..past, past..data.len()].into_iter().filter(filled).collect()
}

/// How long the certificate is that a table begins with, in bytes: its head, and what its DER says (a
/// sequence with its length in two or three bytes). None: all of it is something else.
fn certificate(table: &[u8]) -> usize {
    let length = match between(table, CERTIFICATE_HEAD, CERTIFICATE_HEAD.saturating_add(5)) {
        [0x30, 0x82, high, low, ..] => 4_usize.saturating_add(u16::from_be_bytes([*high, *low]).into()),
        [0x30, 0x83, rest @ ..] => match rest {
            [high, middle, low] => u32::from_be_bytes([0, *high, *middle, *low]) as usize,
            _ => 0,
        }
        .saturating_add(5),
        _ => return 0,
    };
    CERTIFICATE_HEAD.saturating_add(length).min(table.len())
}

/// Programs that stand in this one, each up to the end of the section that it is in; the flag says that
/// there are more.
fn programs(data: &[u8], program: &Program, known: &[Range<usize>]) -> (Vec<Part>, bool) {
    let mut found: Vec<Part> = Vec::new();
    let mut from = 0;
    let places = memchr::memmem::find_iter(data, b"MZ").filter(|at| *at > 0);
    for (count, at) in places.enumerate() {
        if count >= MAX_PLACES {
            return (found, true);
        }
        if at < from || known.iter().any(|range| range.contains(&at)) {
            continue;
        }
        let rest = between(data, at, data.len());
        let Some(inner) = Program::read(rest) else { continue };
        let section = program.sections.iter().map(|section| &section.raw).find(|raw| raw.contains(&at));
        let border = section.map_or(data.len(), |raw| raw.end);
        let size = inner.end(rest);
        if found.len() >= MAX_PROGRAMS {
            return (found, true);
        }
        if let Some(last) = found.last_mut() {
            last.range.end = last.range.end.min(at);
        }
        found.push(Part { name: String::new(), range: at..border.max(at.saturating_add(size)).min(data.len()) });
        from = at.saturating_add(size);
    }
    (found, false)
}

impl Container for Executable {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if let Some(limit) = budget.exhausted() {
            if !self.problems.contains(&limit.into()) {
                self.problems.push(limit.into());
            }
            return None;
        }
        let index = self.index;
        self.index = index.saturating_add(1);
        if let Some(content) = self.unpacked.take() {
            return Some(Member { index, role: Role::Decoded, content, ..Member::default() });
        }
        let part = self.parts.next()?;
        let name = Some(part.name).filter(|name| !name.is_empty()).map(Untrusted::new);
        let mut member = Member { index, name, ..Member::default() };
        self.meter.next_object();
        stored(&mut member, between(data, part.range.start, part.range.end), budget, &mut self.meter);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
