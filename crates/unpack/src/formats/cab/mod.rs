//! Microsoft cabinets: files in folders that are stored, or packed with MSZIP, Quantum or LZX.
//!
//! Limits: files and folders up to the limit of objects; [`MAX_PASSES`] over one folder, for files that
//! do not stand one after the other; the budget. Files that go on in another cabinet are reported as
//! such.

mod folder;
mod quantum;

use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32, take};
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;
use folder::{Fault, Folder};

/// How often one folder may be decoded from its start.
const MAX_PASSES: u32 = 16;
/// Longest name, in bytes.
const MAX_NAME: usize = 1024;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 1024;

/// Flags of the header: other cabinets before and behind, and reserved fields.
const PREVIOUS: u16 = 1;
const NEXT: u16 = 2;
const RESERVED: u16 = 4;
/// Numbers of folders from here on: what stands in a cabinet before this one, or behind it.
const ELSEWHERE: u16 = 0xfffd;

/// A cabinet.
pub(crate) struct Cab {
    head: Head,
    /// The next file's number, and where its entry stands.
    file: u32,
    at: usize,
    /// The open folder, and how often each was opened.
    open: Option<Folder>,
    passes: Vec<u32>,
    /// What stands behind the cabinet, until it is given.
    trailing: Option<usize>,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

/// What the header says.
#[derive(Clone, Copy, Default)]
struct Head {
    files_at: usize,
    folders: u16,
    files: u16,
    folders_at: usize,
    folder_len: usize,
    /// Bytes that are reserved in each block of data.
    block_reserve: usize,
    size: usize,
}

impl Head {
    fn read(data: &[u8]) -> Option<Self> {
        let flags = le16(data, 30)?;
        let mut at = 36_usize;
        let (mut folder_reserve, mut block_reserve) = (0, 0);
        if flags & RESERVED != 0 {
            folder_reserve = usize::from(*data.get(38)?);
            block_reserve = usize::from(*data.get(39)?);
            at = 40_usize.checked_add(le16(data, 36)?.into())?;
        }
        let names = [flags & PREVIOUS != 0, flags & NEXT != 0].into_iter().filter(|there| *there).count();
        for _ in 0..names.saturating_mul(2) {
            let name = between(data, at, at.saturating_add(MAX_NAME));
            at = at.checked_add(memchr::memchr(0, name)?)?.checked_add(1)?;
        }
        Some(Self {
            files_at: usize::try_from(le32(data, 16)?).ok()?,
            folders: le16(data, 26)?,
            files: le16(data, 28)?,
            folders_at: at,
            folder_len: folder_reserve.checked_add(8)?,
            block_reserve,
            size: usize::try_from(le32(data, 8)?).ok()?,
        })
    }

    fn folder(&self, data: &[u8], index: u16) -> Option<Folder> {
        let at = usize::from(index).checked_mul(self.folder_len)?.checked_add(self.folders_at)?;
        let start = usize::try_from(le32(data, at)?).ok()?;
        let (blocks, method) = (le16(data, at.checked_add(4)?)?, le16(data, at.checked_add(6)?)?);
        Some(Folder::new(index, start, blocks, method, self.block_reserve))
    }
}

/// One file's entry.
struct File {
    place: Range<u64>,
    folder: u16,
    name: String,
    next: usize,
}

impl File {
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let entry = take(data, at, 16)?;
        let (size, start) = (u64::from(le32(entry, 0)?), u64::from(le32(entry, 4)?));
        let from = at.checked_add(16)?;
        let name = between(data, from, from.saturating_add(MAX_NAME));
        let name = between(name, 0, memchr::memchr(0, name)?);
        Some(Self {
            place: start..start.checked_add(size)?,
            folder: le16(entry, 8)?,
            name: names::decode(name),
            next: from.checked_add(name.len())?.checked_add(1)?,
        })
    }
}

impl Cab {
    pub(crate) fn open(data: &[u8]) -> Self {
        let head = Head::read(data).unwrap_or_default();
        let damaged = head.size == 0 || head.size > data.len();
        let rest = between(data, head.size, data.len());
        let trailing = (!damaged && rest.iter().any(|byte| *byte != 0)).then_some(head.size);
        Self {
            head,
            file: 0,
            at: head.files_at,
            open: None,
            passes: Vec::new(),
            trailing,
            meter: Meter::new(data.len() as u64),
            problems: damaged.then_some(UnscannedReason::Damaged).into_iter().collect(),
        }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// Reads a file's content out of its folder.
    fn read(&mut self, member: &mut Member, file: &File, data: &[u8], budget: &mut Budget) -> Result<(), Fault> {
        if file.folder >= ELSEWHERE {
            return Err(Fault::Limit(UnscannedReason::Volume));
        }
        if file.folder >= self.head.folders {
            return Err(Fault::Damaged);
        }
        let goes_on = self.open.as_ref().is_some_and(|open| open.index == file.folder && open.at() <= file.place.start);
        if !goes_on {
            let passes = &mut self.passes;
            passes.resize(passes.len().max(usize::from(file.folder).saturating_add(1)), 0);
            if let Some(passes) = passes.get_mut(usize::from(file.folder)) {
                *passes = passes.saturating_add(1);
                if *passes > MAX_PASSES {
                    return Err(Fault::Limit(UnscannedReason::LimitRatio));
                }
            }
            self.open = Some(self.head.folder(data, file.folder).ok_or(Fault::Damaged)?);
        }
        let Some(folder) = self.open.as_mut() else { return Err(Fault::Damaged) };
        while folder.at() < file.place.start {
            let passed = folder.take(data, file.place.start)?.len() as u64;
            budget.burn(passed).map_err(|limit| Fault::Limit(limit.into()))?;
        }
        while folder.at() < file.place.end {
            let read = folder.read();
            let piece = folder.take(data, file.place.end)?;
            // Of a member that is over a limit the rest is passed over.
            if member.problems.is_empty() {
                match budget.produce(&mut self.meter, piece.len() as u64, read) {
                    Ok(()) => member.content.extend_from_slice(piece),
                    Err(limit) => member.problem(limit.into()),
                }
            } else {
                budget.burn(piece.len() as u64).map_err(|limit| Fault::Limit(limit.into()))?;
            }
        }
        if folder.wrong_sum() {
            member.problem(UnscannedReason::Damaged);
        }
        Ok(())
    }
}

impl Container for Cab {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let done = self.file >= u32::from(self.head.files);
        if done && self.trailing.is_none() {
            return None;
        }
        if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
            self.problem(limit.into());
            (self.file, self.trailing) = (u32::MAX, None);
            return None;
        }
        self.meter.next_object();
        let file = if done { None } else { File::read(data, self.at) };
        let Some(file) = file else {
            if !done {
                self.problem(UnscannedReason::Damaged);
                self.file = u32::from(self.head.files);
            }
            let from = self.trailing.take()?;
            let mut member = Member { index: self.file, hidden: true, ..Member::default() };
            stored(&mut member, between(data, from, data.len()), budget, &mut self.meter);
            return Some(member);
        };
        let index = self.file;
        (self.file, self.at) = (index.saturating_add(1), file.next);
        let (name, other_names) = names::split([file.name.clone()]);
        let mut member = Member { index, name, other_names, ..Member::default() };
        if let Err(fault) = self.read(&mut member, &file, data, budget) {
            member.problem(match fault {
                Fault::Damaged => UnscannedReason::Damaged,
                Fault::Unknown => UnscannedReason::UnknownFormat,
                Fault::Limit(reason) => reason,
            });
        }
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
