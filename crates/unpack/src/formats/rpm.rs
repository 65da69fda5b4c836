//! RPM packages: the scripts that run when one is installed, and the payload, which is a compressed
//! cpio archive and comes as it is.
//!
//! Limits: [`MAX_ENTRIES`], scripts of the tags in [`SCRIPTS`], and the budget. Not handled: signatures,
//! triggers.

use std::ops::Range;

use mail::evidence::UnscannedReason;

use crate::budget::{Budget, Meter};
use crate::bytes::{be32, between, take};
use crate::container::{Container, Member};
use crate::decode::stored;
use crate::names;

/// Length of the lead, in bytes.
const LEAD: usize = 96;
/// Begins a header.
const MAGIC: &[u8] = b"\x8e\xad\xe8\x01";
/// Length of a header's head, and of an entry of its index, in bytes.
const HEAD: usize = 16;
const ENTRY: usize = 16;
/// Most entries of an index.
const MAX_ENTRIES: u32 = 65_536;
/// Tags of scripts, and their names.
const SCRIPTS: &[(u32, &str)] = &[
    (1023, "before-install.sh"),
    (1024, "after-install.sh"),
    (1025, "before-removal.sh"),
    (1026, "after-removal.sh"),
    (1079, "verify.sh"),
    (1151, "before-transaction.sh"),
    (1152, "after-transaction.sh"),
];
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 512;

/// A header: its scripts, and where it ends.
struct Header {
    scripts: Vec<(&'static str, Range<usize>)>,
    end: usize,
}

impl Header {
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let head = take(data, at, HEAD).filter(|head| head.starts_with(MAGIC))?;
        let (count, size) = (be32(head, 8)?, usize::try_from(be32(head, 12)?).ok()?);
        if count > MAX_ENTRIES {
            return None;
        }
        let index = at.checked_add(HEAD)?;
        let store = index.checked_add(usize::try_from(count).ok()?.checked_mul(ENTRY)?)?;
        let end = store.checked_add(size).filter(|end| *end <= data.len())?;
        let mut scripts = Vec::new();
        for entry in between(data, index, store).chunks_exact(ENTRY) {
            let tag = be32(entry, 0)?;
            let Some((_, name)) = SCRIPTS.iter().find(|(known, _)| *known == tag) else { continue };
            let start = store.checked_add(usize::try_from(be32(entry, 8)?).ok()?)?;
            let rest = between(data, start, end);
            let len = memchr::memchr(0, rest).unwrap_or(rest.len());
            if scripts.len() < SCRIPTS.len() {
                scripts.push((*name, start..start.saturating_add(len)));
            }
        }
        Some(Self { scripts, end })
    }
}

/// A package.
pub(crate) struct Rpm {
    pieces: std::vec::IntoIter<(&'static str, Range<usize>)>,
    index: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Rpm {
    pub(crate) fn open(data: &[u8]) -> Self {
        let mut problems = Vec::new();
        let mut pieces = Vec::new();
        // The signature is filled up to a multiple of eight bytes; the header proper follows.
        let header = Header::read(data, LEAD)
            .and_then(|signature| Header::read(data, signature.end.checked_next_multiple_of(8)?));
        match header {
            Some(header) => {
                pieces.extend(header.scripts);
                pieces.push(("payload", header.end..data.len()));
            }
            None => {
                problems.push(UnscannedReason::Damaged);
                pieces.push(("", LEAD.min(data.len())..data.len()));
            }
        }
        Self { pieces: pieces.into_iter(), index: 0, meter: Meter::new(data.len() as u64), problems }
    }
}

impl Container for Rpm {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let (name, range) = self.pieces.next()?;
        if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
            self.problems.push(limit.into());
            self.pieces = Vec::new().into_iter();
            return None;
        }
        self.meter.next_object();
        let (name, other_names) = names::split([name.to_owned()]);
        let mut member = Member { index: self.index, hidden: name.is_none(), name, other_names, ..Member::default() };
        self.index = self.index.saturating_add(1);
        stored(&mut member, between(data, range.start, range.end), budget, &mut self.meter);
        Some(member)
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
