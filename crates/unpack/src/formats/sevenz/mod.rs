//! 7z: the archive's header, then file after file out of its folders.
//!
//! Methods: stored, LZMA, LZMA2, PPMd, bzip2, Deflate, Deflate64, Zstandard, and the filters Delta,
//! BCJ of all processors, and BCJ2; others are reported as an unknown format. What AES encrypted is
//! opened with the passwords of the budget, the header too.
//!
//! Limits: [`MAX_HEADER`], [`MAX_ENCODED`], those of [`header`] and of the decoders, and the budget.
//! Not handled: archives split over several files look damaged; their names tell.

mod folder;
mod header;
mod unlock;

use std::io::{self, Read};
use std::rc::Rc;

use mail::evidence::{PasswordSource, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le32, le64, take};
use crate::container::{Container, Member};
use crate::decode::{Filled, fill, stored};
use crate::formats::shared::Shared;
use crate::names;
use folder::{Fault, Keys};
use header::{Files, Folder, Header};

/// Longest header, unpacked, in bytes.
const MAX_HEADER: u64 = 32 * 1024 * 1024;
/// How often a header may be packed anew.
const MAX_ENCODED: u32 = 4;
/// Length of the archive's head.
const HEAD: usize = 32;
/// How far from the end a header is looked for that the archive's head does not tell of, in bytes.
const LOST: usize = 512;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// Where the header of an archive stands whose head was never written: all zeros behind the version. 7-Zip
/// then takes the last bytes that look like the start of one, and all behind them.
pub(crate) fn lost_header(data: &[u8]) -> Option<usize> {
    if take(data, 8, 24)?.iter().any(|byte| *byte != 0) {
        return None;
    }
    let from = data.len().saturating_sub(LOST).max(HEAD);
    let places = between(data, from, data.len()).windows(2).rposition(|pair| matches!(pair, [0x17, 6] | [1, 4]));
    places.map(|at| from.saturating_add(at))
}

/// A 7z archive.
pub(crate) struct SevenZip {
    header: Vec<u8>,
    folders: Vec<Rc<Folder>>,
    files: Files,
    /// The next file's number, and how many before it have no content.
    index: u64,
    empty: u64,
    /// The folder of the next file with content, and its place there.
    folder: usize,
    place: usize,
    /// The open folder's content; an error stays for the rest of the folder.
    content: Option<Result<Box<dyn Read>, UnscannedReason>>,
    shared: Option<Rc<Shared>>,
    /// The password that opened something, and where it came from.
    keys: Option<(Keys, PasswordSource)>,
    /// How many folders no password opened.
    failed: u32,
    /// The header was encrypted, and so is all that it tells of.
    sealed: bool,
    /// What stands behind the archive, until it is given.
    trailing: Option<usize>,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl SevenZip {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let mut archive = Self {
            header: Vec::new(),
            folders: Vec::new(),
            files: Files::default(),
            index: 0,
            empty: 0,
            folder: 0,
            place: 0,
            content: None,
            shared: None,
            keys: None,
            failed: 0,
            sealed: false,
            trailing: None,
            meter: Meter::new(data.len() as u64),
            problems: Vec::new(),
        };
        if let Err(reason) = archive.read_header(data, budget) {
            archive.problem(reason);
        }
        archive
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    fn read_header(&mut self, data: &[u8], budget: &mut Budget) -> Result<(), UnscannedReason> {
        let damaged = UnscannedReason::Damaged;
        let place = |at: usize| le64(data, at).and_then(|value| usize::try_from(value).ok()).ok_or(damaged);
        let mut header = if let Some(start) = lost_header(data) {
            self.problem(damaged);
            between(data, start, data.len()).to_vec()
        } else {
            let start = HEAD.checked_add(place(12)?).ok_or(damaged)?;
            let end = start.checked_add(place(20)?).ok_or(damaged)?;
            let header = between(data, start, end);
            if end > data.len() || le32(data, 28) != Some(crc32fast::hash(header)) {
                return Err(damaged);
            }
            let rest = between(data, end, data.len());
            self.trailing = rest.iter().any(|byte| *byte != 0).then_some(end);
            header.to_vec()
        };
        if header.is_empty() {
            // An archive of nothing has nothing behind its head.
            return if self.trailing.is_some() { Err(damaged) } else { Ok(()) };
        }
        for _ in 0..MAX_ENCODED {
            budget.burn(header.len() as u64)?;
            let max = u64::from(budget.limits().objects);
            match header::read(&header, data.len(), max) {
                Err(header::Fault::Damaged) => return Err(damaged),
                Err(header::Fault::TooMany) => return Err(UnscannedReason::LimitObjects),
                Ok(Header::Plain { folders, files }) => {
                    self.folders = folders.into_iter().map(Rc::new).collect();
                    (self.files, self.header) = (files, header);
                    return Ok(());
                }
                Ok(Header::Encoded(folder)) => header = self.unpack_header(&folder, data, budget)?,
            }
        }
        Err(damaged)
    }

    fn unpack_header(&mut self, folder: &Folder, data: &[u8], budget: &mut Budget) -> Result<Vec<u8>, UnscannedReason> {
        if folder.size() > MAX_HEADER {
            return Err(UnscannedReason::LimitBytes);
        }
        let shared = self.share(data, budget);
        self.unlock(folder, &shared, budget)?;
        self.sealed |= folder::is_sealed(folder);
        let keys = self.keys.as_mut().map(|(keys, _)| keys);
        let mut content = folder::open(folder, &shared, keys).map_err(reason)?;
        self.meter.next_object();
        let mut member = Member::default();
        let filled = fill(&mut member, &mut *content, folder.size(), &|| shared.taken(), budget, &mut self.meter);
        let sum = folder.files.first().and_then(|file| file.1);
        match member.problems.first() {
            Some(problem) => Err(*problem),
            None if sum.is_some_and(|sum| sum != filled.crc) => Err(UnscannedReason::Damaged),
            None => Ok(member.content),
        }
    }

    fn share(&mut self, data: &[u8], budget: &Budget) -> Rc<Shared> {
        Rc::clone(self.shared.get_or_insert_with(|| Shared::new(data, budget.stop_flag())))
    }

    /// The content of the next file that has any.
    fn read(&mut self, member: &mut Member, data: &[u8], budget: &mut Budget) {
        // Folders may be empty.
        while self.folders.get(self.folder).is_some_and(|folder| self.place >= folder.files.len()) {
            self.folder = self.folder.saturating_add(1);
            (self.place, self.content) = (0, None);
        }
        let shared = self.share(data, budget);
        let Some(folder) = self.folders.get(self.folder).cloned() else {
            member.problem(UnscannedReason::Damaged);
            return;
        };
        let Some((size, sum)) = folder.files.get(self.place).copied() else { return };
        self.place = self.place.saturating_add(1);
        if self.content.is_none() {
            let fuel = folder::fuel(&folder).min(budget.fuel_left().saturating_add(1));
            let opened = match budget.burn(fuel) {
                Ok(()) => self.unlock(&folder, &shared, budget).and_then(|()| {
                    let keys = self.keys.as_mut().map(|(keys, _)| keys);
                    folder::open(&folder, &shared, keys).map_err(reason)
                }),
                Err(limit) => Err(limit.into()),
            };
            self.content = Some(opened);
        }
        let content = match self.content.as_mut() {
            Some(Ok(content)) => {
                if folder::is_sealed(&folder) || self.sealed {
                    member.opened_with = self.keys.as_ref().map(|(_, source)| *source);
                }
                content
            }
            Some(Err(reason)) => {
                member.problem(*reason);
                return;
            }
            None => return,
        };
        let filled = fill(member, &mut **content, size, &|| shared.taken(), budget, &mut self.meter);
        match filled {
            // What follows in the folder cannot be reached.
            Filled { ended: false, .. } => {
                let reason = member.problems.first().copied().unwrap_or(UnscannedReason::Damaged);
                self.content = Some(Err(reason));
            }
            Filled { crc, .. } if sum.is_some_and(|sum| sum != crc) && member.problems.is_empty() => {
                member.problem(UnscannedReason::Damaged);
            }
            Filled { .. } => {}
        }
    }
}

/// What a chain that cannot be built is called.
fn reason(fault: Fault) -> UnscannedReason {
    match fault {
        Fault::Encrypted => UnscannedReason::Encrypted,
        Fault::Unknown => UnscannedReason::UnknownFormat,
        Fault::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => UnscannedReason::LimitBytes,
        Fault::Io(_) => UnscannedReason::Damaged,
    }
}

impl Container for SevenZip {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        loop {
            if self.index >= self.files.count && self.trailing.is_none() {
                return None;
            }
            if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
                self.problem(limit.into());
                (self.index, self.trailing) = (self.files.count, None);
                return None;
            }
            self.meter.next_object();
            let index = u32::try_from(self.index).unwrap_or(u32::MAX);
            if self.index >= self.files.count {
                let from = self.trailing.take()?;
                let mut member = Member { index, hidden: true, ..Member::default() };
                stored(&mut member, between(data, from, data.len()), budget, &mut self.meter);
                return Some(member);
            }
            let number = self.index;
            self.index = number.saturating_add(1);
            let (name, other_names) = names::split(self.files.next_name(&self.header));
            let mut member = Member { index, name, other_names, ..Member::default() };
            if self.files.is_empty(&self.header, number) {
                let file = self.files.is_empty_file(&self.header, self.empty);
                self.empty = self.empty.saturating_add(1);
                if file {
                    return Some(member);
                }
                continue;
            }
            self.read(&mut member, data, budget);
            return Some(member);
        }
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
