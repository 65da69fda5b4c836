//! What the readers of documents work with: the compound file, the budget, and where members go.

use std::collections::{BTreeSet, VecDeque};

use mail::evidence::{Active, FileKind, PasswordSource, Role, UnscannedReason};
use mail::untrusted::Untrusted;

use super::Step;
use super::cfb::{Cfb, Stream};
use crate::budget::{Budget, Limit, Meter};
use crate::container::Member;
use crate::decode::{End, Method, decode};
use crate::names;
use crate::views::{self, Views};

/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 1024;

/// What has been made so far and is still to be given.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) members: VecDeque<Member>,
    pub(crate) steps: VecDeque<Step>,
    pub(crate) problems: Vec<UnscannedReason>,
    /// Streams that need not be given as they stand.
    pub(crate) taken: BTreeSet<u32>,
    /// Streams that a reader has understood: they are no files of other kinds.
    pub(crate) known: BTreeSet<u32>,
    /// The next member's number.
    pub(crate) index: u32,
}

/// One step's surroundings.
pub(crate) struct Work<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) cfb: &'a Cfb,
    pub(crate) budget: &'a mut Budget,
    pub(crate) meter: &'a mut Meter,
    pub(crate) made: &'a mut Made,
}

impl Work<'_> {
    /// A stream's content; nothing when the fuel is used up.
    pub(crate) fn read(&mut self, number: u32) -> Stream {
        let size = self.cfb.entry(number).map_or(0, |entry| entry.size).min(self.data.len() as u64);
        match self.budget.burn(size.saturating_add(MEMBER_FUEL)) {
            Ok(()) => self.cfb.read(self.data, number),
            Err(limit) => {
                self.problem(limit.into());
                Stream::default()
            }
        }
    }

    /// A stream of a storage by its name, and its content.
    pub(crate) fn read_named(&mut self, storage: u32, name: &str) -> Option<Stream> {
        let number = self.cfb.find(storage, name)?;
        Some(self.read(number))
    }

    /// Counts work.
    pub(crate) fn burn(&mut self, fuel: u64) -> Result<(), Limit> {
        self.budget.burn(fuel)
    }

    /// What could not be read of the file as a whole.
    pub(crate) fn problem(&mut self, reason: UnscannedReason) {
        if !self.made.problems.contains(&reason) {
            self.made.problems.push(reason);
        }
    }

    /// How many bytes the next member may have before a limit ends it.
    pub(crate) fn room(&self) -> usize {
        usize::try_from(self.budget.room(self.meter)).unwrap_or(usize::MAX)
    }

    /// Gives a member; `consumed`: how many bytes of the file it was made of. Its number.
    pub(crate) fn give(&mut self, mut member: Member, consumed: u64) -> u32 {
        self.meter.next_object();
        let counted = self.budget.burn(MEMBER_FUEL);
        let counted = counted.and_then(|()| self.budget.produce(self.meter, member.content.len() as u64, consumed));
        if let Err(limit) = counted {
            member.content = Vec::new();
            member.problem(limit.into());
        }
        self.push(member)
    }

    /// Gives a member whose bytes are counted.
    fn push(&mut self, mut member: Member) -> u32 {
        let index = self.made.index;
        member.index = index;
        self.made.index = index.saturating_add(1);
        self.made.members.push_back(member);
        index
    }

    /// Gives a member whose content is compressed; `size`: how large it is said to be.
    pub(crate) fn decoded(&mut self, mut member: Member, method: Method, packed: &[u8], size: Option<u32>) {
        let decoded = decode(method, packed, self.budget, self.meter);
        member.content = decoded.content;
        match decoded.end {
            End::Complete => {}
            End::Limit(limit) => member.problem(limit.into()),
            // Some writers leave the end mark out.
            End::Broken if size.is_some_and(|size| size as usize <= member.content.len()) => {}
            End::Broken | End::Unknown => member.problem(UnscannedReason::Damaged),
        }
        self.push(member);
    }

    /// Gives some text, unless it is empty.
    pub(crate) fn text(&mut self, role: Role, name: &str, text: String) {
        if !text.trim().is_empty() {
            let consumed = text.len() as u64;
            let (name, kind, content) = (name_of(name), views::kind(role), text.into_bytes());
            self.give(Member { name, role, kind, content, ..Member::default() }, consumed);
        }
    }

    /// Gives a stream that was encrypted.
    pub(crate) fn decrypted(&mut self, name: &str, content: Vec<u8>, source: PasswordSource) {
        let consumed = content.len() as u64;
        let (name, opened_with) = (name_of(name), Some(source));
        let kind = Some(FileKind::Unknown);
        self.give(Member { name, role: Role::Decoded, kind, opened_with, content, ..Member::default() }, consumed);
    }

    /// Gives what was seen of a document.
    pub(crate) fn views(&mut self, views: Views) {
        let (members, problems) = views.into_members(self.made.index, self.budget, self.meter);
        for problem in problems {
            self.problem(problem);
        }
        self.made.index = members.last().map_or(self.made.index, |last| last.index.saturating_add(1));
        self.made.members.extend(members);
    }

    /// Gives something that acts.
    pub(crate) fn active(&mut self, what: Active, name: &str, text: String) {
        self.text(Role::Active(what), name, text);
    }
}

/// A member's name, unless it is empty.
pub(crate) fn name_of(name: &str) -> Option<Untrusted<String>> {
    names::split([name.to_owned()]).0
}
