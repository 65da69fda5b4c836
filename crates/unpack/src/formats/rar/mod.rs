//! RAR of all versions, from 1.3 to 7, by the crate `rars`, which writes what it decodes into a sink:
//! so members come in batches, and a batch begins again at the archive's start (in a solid archive all
//! members before it are decoded once more).
//!
//! Limits: those of [`unlock`], [`MAX_BATCH`], [`MAX_BATCH_MEMBERS`], [`MAX_DICTIONARY`], [`MAX_WORKSPACE`], and the budget.
//! What is encrypted is opened with one password of the budget for the whole archive: the one that
//! opens its headers, or a member of it. Members that are continued in another file, or
//! from one, are reported as such and not read. What holds data and is no file to the decoder (entries that
//! lead elsewhere, streams beside a file: [`blocks`]) comes as unlisted members, and so does what stands behind
//! the archive's end. Not handled: links to other members are passed over.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use mail::evidence::UnscannedReason;
use rars::{Archive, ArchiveMember, ArchiveReadOptions, Error, ErrorKind, ExtractionDecision, ExtractionErrorAction};

use crate::budget::{Budget, Meter, StopFlag};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;

/// A batch ends when it holds this many bytes, or more.
const MAX_BATCH: u64 = 16 * 1024 * 1024;
/// Most members of a batch.
const MAX_BATCH_MEMBERS: usize = 512;
/// Largest dictionary of RAR 5 and 7, in bytes. Older ones have 4 MiB at most.
const MAX_DICTIONARY: u64 = 128 * 1024 * 1024;
/// Most memory of the decoder, in bytes.
const MAX_WORKSPACE: u64 = 192 * 1024 * 1024;
/// How much work a member and a batch are, in fuel, beside their bytes.
const MEMBER_FUEL: u64 = 1024;
const BATCH_FUEL: u64 = 64 * 1024;

mod blocks;
mod unlock;

use blocks::{Blocks, Loose};
use unlock::Key;

/// Whether some entries of an archive only lead to others: copies that are stored once, and links. Their names are no
/// members of the archive as it is opened. `None`: its headers are not read, or not all of them.
pub fn has_links(data: &[u8], budget: &mut Budget) -> Option<bool> {
    let mut problems = Vec::new();
    let (archive, _) = unlock::parse(data, &mut problems, budget);
    let archive = archive.filter(|_| problems.is_empty())?;
    Some(archive.members().any(|member| member.meta.is_redirection))
}

/// A RAR archive.
pub(crate) struct Rar {
    archive: Option<Box<Archive>>,
    /// The first member that is in no batch yet.
    next: usize,
    batch: VecDeque<Got>,
    /// The password, and where it came from; `None` inside: none opens it.
    key: Option<Option<Key>>,
    /// Why nothing behind the members so far can be decoded.
    dead: Option<UnscannedReason>,
    /// Data that is no file's, still to come, and the archive made of the present piece.
    loose: std::vec::IntoIter<Loose>,
    inner: Option<Box<Inner>>,
    /// What stands behind the archive, until it is given.
    behind: Option<usize>,
    /// The next number behind those of the files.
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

/// An archive made of data that is no file's, and the name under which programs show that.
struct Inner {
    bytes: Vec<u8>,
    rar: Rar,
    name: Vec<u8>,
}

/// One member of a batch.
struct Got {
    index: usize,
    name: Vec<u8>,
    packed: u64,
    content: Vec<u8>,
    /// How much was made, kept or not.
    made: u64,
    problem: Option<UnscannedReason>,
    /// It is encrypted.
    sealed: bool,
}

impl Got {
    fn new(member: &ArchiveMember, index: usize, problem: Option<UnscannedReason>) -> Self {
        let (name, packed) = (member.meta.name.clone(), member.meta.packed_size);
        Self { index, name, packed, content: Vec::new(), made: 0, problem, sealed: member.meta.is_encrypted }
    }
}

/// What the sinks of a batch write to.
struct Batch {
    members: VecDeque<Got>,
    /// How much may be kept, and how much may be made.
    room: u64,
    fuel: u64,
    object: u64,
    kept: u64,
    stop: StopFlag,
}

/// Takes the content of the batch's last member, or of one that was given before.
struct Sink {
    batch: Rc<RefCell<Batch>>,
    keep: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len() as u64;
        let mut batch = self.batch.borrow_mut();
        let Some(fuel) = batch.fuel.checked_sub(len).filter(|_| !batch.stop.is_set()) else {
            batch.fuel = 0;
            return Err(io::ErrorKind::TimedOut.into());
        };
        batch.fuel = fuel;
        if self.keep {
            let room = batch.room.saturating_sub(batch.kept).min(batch.object);
            let Some(member) = batch.members.back_mut() else { return Ok(bytes.len()) };
            member.made = member.made.saturating_add(len);
            if member.made <= room {
                member.content.extend_from_slice(bytes);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Rar {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let blocks = Blocks::read(data);
        let mut rar = Self::files(data, budget);
        let rest = blocks.end.map_or(&[][..], |end| between(data, end, data.len()));
        rar.behind = blocks.end.filter(|_| rest.iter().any(|byte| *byte != 0));
        if blocks.over {
            rar.problem(UnscannedReason::LimitObjects);
        }
        // Where the headers are encrypted nothing is known of it but that it is there.
        let unread = |member: rars::ArchiveMember| {
            let data = member.meta.packed_size > 0;
            data && (member.meta.is_redirection || member.meta.is_directory)
        };
        if rar.key.is_some() && rar.archive.as_ref().is_some_and(|archive| archive.members().any(unread)) {
            rar.problem(UnscannedReason::UnknownFormat);
        }
        rar.loose = blocks.loose.into_iter();
        rar
    }

    /// Without what is no file.
    fn files(data: &[u8], budget: &mut Budget) -> Self {
        let mut problems = Vec::new();
        let (archive, key) = unlock::parse(data, &mut problems, budget);
        let count = archive.as_ref().map_or(0, |archive| archive.members().count());
        Self {
            loose: Vec::new().into_iter(),
            inner: None,
            behind: None,
            index: u32::try_from(count).unwrap_or(u32::MAX),
            archive: archive.map(Box::new),
            next: 0,
            batch: VecDeque::new(),
            key: key.map(Some),
            dead: None,
            meter: Meter::new(data.len() as u64),
            problems,
        }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// Decodes members from `next` on, up to the limits of a batch; nothing is left when it is empty.
    fn fill(&mut self, budget: &mut Budget) -> Result<(), UnscannedReason> {
        self.find_key(budget);
        let Some(archive) = self.archive.as_deref() else { return Ok(()) };
        budget.burn(BATCH_FUEL)?;
        if let Some(reason) = self.dead {
            let rest = archive.members().enumerate().skip(self.next).take(MAX_BATCH_MEMBERS);
            let rest: Vec<_> = rest.collect();
            self.next = rest.last().map_or(self.next, |(number, _)| number.saturating_add(1));
            let files = rest.into_iter().filter(|(_, member)| !member.meta.is_directory && !member.meta.is_redirection);
            self.batch.extend(files.map(|(number, member)| Got::new(&member, number, Some(reason))));
            return Ok(());
        }
        let shared = Rc::new(RefCell::new(Batch {
            members: VecDeque::new(),
            room: budget.room(&self.meter),
            fuel: budget.fuel_left(),
            object: budget.limits().object_bytes,
            kept: 0,
            stop: budget.stop_flag().clone(),
        }));
        let key = self.key.as_ref().and_then(Option::as_ref);
        let costs = unlock::costs(archive);
        let options = ArchiveReadOptions::with_optional_password(key.map(|key| key.password.as_bytes()))
            .with_max_reader_workspace_bytes(MAX_WORKSPACE)
            .with_rar50_dictionary_size_limit(MAX_DICTIONARY);
        let start = self.next;
        let mut index = 0_usize;
        let decide = |member: &ArchiveMember| {
            let number = index;
            index = index.saturating_add(1);
            let cost = costs.get(number).copied().flatten().filter(|_| key.is_some());
            Ok(decide(member, number, start, cost, &shared))
        };
        let failed = |_: &ArchiveMember, error: &Error| {
            if let Some(member) = shared.borrow_mut().members.back_mut() {
                member.problem.get_or_insert(reason(error));
            }
            Ok(ExtractionErrorAction::Continue)
        };
        let run = catch_unwind(AssertUnwindSafe(|| archive.extract_with_control_and_errors(options, decide, failed)));
        let error = match run {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(reason(&error)),
            Err(_) => Some(UnscannedReason::Damaged),
        };
        let mut batch = shared.borrow_mut();
        let used = budget.fuel_left().saturating_sub(batch.fuel);
        let solid = archive.member_refs().any(|member| member.to_owned().is_solid());
        if let Some(reason) = error {
            let reason = if batch.fuel == 0 { UnscannedReason::LimitTime } else { reason };
            let known = batch.members.back_mut().map(|member| *member.problem.get_or_insert(reason));
            // In a solid archive nothing behind this can be decoded; else the next one is tried.
            if solid || known.is_none() {
                self.dead = Some(known.unwrap_or(reason));
            }
        }
        self.next = batch.members.back().map_or(start, |member| member.index.saturating_add(1));
        self.batch = std::mem::take(&mut batch.members);
        let kept: u64 = self.batch.iter().map(|member| member.content.len() as u64).sum();
        // What was kept is counted as it is given.
        let _ = budget.burn(used.saturating_sub(kept));
        Ok(())
    }

    /// The next piece of data that is no file's, and then what stands behind the archive.
    fn further(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        loop {
            if let Some(inner) = &mut self.inner {
                if let Some(mut member) = inner.rar.next(&inner.bytes, budget) {
                    let (name, other_names) = names::split([names::decode(&inner.name)]);
                    let index = self.index;
                    self.index = index.saturating_add(1);
                    (member.name, member.other_names) = (name, other_names);
                    (member.index, member.hidden) = (index, true);
                    return Some(member);
                }
                let problems = std::mem::take(&mut inner.rar.problems);
                self.inner = None;
                problems.into_iter().for_each(|problem| self.problem(problem));
            }
            let Some(loose) = self.loose.next() else { break };
            if let Err(limit) = budget.burn(BATCH_FUEL.saturating_add(loose.len() as u64)) {
                self.problem(limit.into());
                (self.loose, self.behind) = (Vec::new().into_iter(), None);
                return None;
            }
            let bytes = loose.archive(data);
            let rar = Self::files(&bytes, budget);
            self.inner = Some(Box::new(Inner { bytes, rar, name: loose.name }));
        }
        let from = self.behind.take()?;
        self.meter.next_object();
        let mut member = Member { index: self.index, hidden: true, ..Member::default() };
        stored(&mut member, between(data, from, data.len()), budget, &mut self.meter);
        Some(member)
    }

    fn give(&mut self, got: Got, budget: &mut Budget) -> Member {
        let (name, other_names) = names::split([names::decode(&got.name)]);
        let index = u32::try_from(got.index).unwrap_or(u32::MAX);
        let mut member = Member { index, name, other_names, ..Member::default() };
        let opened = got.sealed && got.problem != Some(UnscannedReason::Encrypted);
        member.opened_with =
            self.key.as_ref().and_then(Option::as_ref).filter(|key| opened || key.headers).map(|key| key.source);
        self.meter.next_object();
        let cut = got.made > got.content.len() as u64;
        match budget.produce(&mut self.meter, got.made, got.packed) {
            Err(limit) => member.problem(limit.into()),
            Ok(()) if cut => member.problem(UnscannedReason::LimitBytes),
            Ok(()) => {}
        }
        if let Some(reason) = got.problem {
            member.problem(reason);
        }
        // What a wrong password gives is nobody's content.
        if opened || !got.sealed {
            member.content = got.content;
        }
        member
    }
}

/// What is to be done with a member of the archive.
///
/// `cost`: what the key of an encrypted member costs, in fuel; `None` when it is not to be opened.
fn decide(
    member: &ArchiveMember,
    number: usize,
    start: usize,
    cost: Option<u64>,
    shared: &Rc<RefCell<Batch>>,
) -> ExtractionDecision {
    let meta = &member.meta;
    let sink = |keep| ExtractionDecision::Extract(Box::new(Sink { batch: Rc::clone(shared), keep }));
    if meta.is_directory || meta.is_redirection {
        return ExtractionDecision::Skip;
    }
    if number < start {
        return if member.is_solid() { sink(false) } else { ExtractionDecision::Skip };
    }
    let mut batch = shared.borrow_mut();
    let last = batch.members.back().map_or(0, |member| member.content.len() as u64);
    batch.kept = batch.members.iter().map(|member| member.content.len() as u64).sum();
    if batch.kept >= MAX_BATCH.min(batch.room) && last > 0 || batch.members.len() >= MAX_BATCH_MEMBERS {
        return ExtractionDecision::Stop;
    }
    let split = meta.is_split_before || meta.is_split_after;
    let problem = match (meta.is_encrypted, cost) {
        (true, None) => Some(UnscannedReason::Encrypted),
        (true, Some(cost)) if cost > batch.fuel => Some(UnscannedReason::LimitTime),
        _ => split.then_some(UnscannedReason::Volume),
    };
    batch.fuel = batch.fuel.saturating_sub(cost.unwrap_or(0));
    batch.members.push_back(Got::new(member, number, problem));
    if problem.is_some() { ExtractionDecision::Skip } else { sink(true) }
}

/// What an error is called.
fn reason(error: &Error) -> UnscannedReason {
    match error.kind() {
        ErrorKind::PasswordRequired | ErrorKind::BadPassword => UnscannedReason::Encrypted,
        ErrorKind::ResourceLimit if matches!(error.root_cause(), Error::HeaderCountLimitExceeded { .. }) => {
            UnscannedReason::LimitObjects
        }
        ErrorKind::ResourceLimit => UnscannedReason::LimitBytes,
        ErrorKind::UnsupportedFormat | ErrorKind::UnsupportedFeature => UnscannedReason::UnknownFormat,
        ErrorKind::Cancelled => UnscannedReason::LimitTime,
        _ => UnscannedReason::Damaged,
    }
}

impl Container for Rar {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if self.archive.is_none() {
            return self.further(data, budget);
        }
        let mut failed = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()).map(UnscannedReason::from);
        if failed.is_none() && self.batch.is_empty() {
            failed = self.fill(budget).err();
        }
        if let Some(reason) = failed {
            self.problem(reason);
            (self.archive, self.loose, self.behind) = (None, Vec::new().into_iter(), None);
            return None;
        }
        match self.batch.pop_front() {
            Some(got) => Some(self.give(got, budget)),
            None => {
                self.archive = None;
                self.further(data, budget)
            }
        }
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
