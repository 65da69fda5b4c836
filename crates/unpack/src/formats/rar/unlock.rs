//! The headers of a RAR archive, and the password that opens them or a member.
//!
//! A password for headers is proven by their checksums; one for members by the check value that RAR 5
//! has, and always by the checksum of the member's content. Limits: [`MAX_HEADERS`],
//! [`MAX_SEALED_HEADERS`], [`MAX_ROUNDS`], and the share of the budget that trials have.

use std::cell::RefCell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use mail::evidence::{PasswordSource, UnscannedReason};
use rars::{
    Archive, ArchiveMemberRef, ArchiveReadOptions, ArchiveReader, Error, ErrorKind, ExtractionDecision,
    ExtractionErrorAction,
};

use super::{MAX_DICTIONARY, MAX_WORKSPACE, Rar, reason};
use crate::budget::Budget;
use crate::bytes::{between, take};
use crate::decrypt::HASH_BLOCK_FUEL;

/// Most headers of an archive.
const MAX_HEADERS: u64 = 65_536;
/// Most headers of one whose headers are encrypted: before RAR 5 each may need a key of its own.
const MAX_SEALED_HEADERS: u64 = 512;
/// Most rounds of the key derivation of RAR 5, as a power of two; RAR writes 15.
const MAX_ROUNDS: u8 = 19;
/// Blocks of a hash for one of those rounds, and for a whole key of RAR 3 (a round hashes the password,
/// in UTF-16, and eleven bytes).
const BLOCKS_OF_ROUND: u64 = 4;
const BLOCKS_OF_RAR3: u64 = 160 * 1024;

/// The password of an archive. There is no `Debug`.
pub(super) struct Key {
    pub(super) password: String,
    pub(super) source: PasswordSource,
    /// It opens the headers, and so everything.
    pub(super) headers: bool,
}

/// The archive's headers, and the password that they need. Where they are damaged, what stands in front
/// of the damage.
pub(super) fn parse(
    data: &[u8],
    problems: &mut Vec<UnscannedReason>,
    budget: &mut Budget,
) -> (Option<Archive>, Option<Key>) {
    let error = match read(data, None) {
        Ok(archive) => return (Some(archive), None),
        Err(error) => error,
    };
    if error.kind() == ErrorKind::PasswordRequired {
        let (archive, key) = open_headers(data, budget);
        if archive.is_none() {
            problems.push(UnscannedReason::Encrypted);
        }
        return (archive, key);
    }
    problems.push(reason(&error));
    let Error::AtArchiveOffset { offset, .. } = error else { return (None, None) };
    let front = between(data, 0, offset);
    (if offset < data.len() { read(front, None).ok() } else { None }, None)
}

fn read(data: &[u8], password: Option<&str>) -> Result<Archive, Error> {
    let most = if password.is_some() { MAX_SEALED_HEADERS } else { MAX_HEADERS };
    let options = ArchiveReadOptions::with_optional_password(password.map(str::as_bytes)).with_max_header_count(most);
    catch_unwind(AssertUnwindSafe(|| ArchiveReader::read_with_options(data, options)))
        .unwrap_or(Err(Error::InvalidHeader("panic")))
}

/// Tries passwords on encrypted headers.
fn open_headers(data: &[u8], budget: &mut Budget) -> (Option<Archive>, Option<Key>) {
    let Some(fuel) = header_fuel(data) else { return (None, None) };
    for (password, source) in budget.passwords().iter().filter(|(password, _)| !password.is_empty()) {
        if !budget.may_try(fuel) {
            break;
        }
        if let Ok(archive) = read(data, Some(password)) {
            return (Some(archive), Some(Key { password: password.to_owned(), source, headers: true }));
        }
    }
    (None, None)
}

/// What a key for encrypted headers costs, in fuel; `None`: more than is spent.
fn header_fuel(data: &[u8]) -> Option<u64> {
    let start = memchr::memmem::find(data, b"Rar!\x1a\x07")?;
    if take(data, start.checked_add(6)?, 2) != Some(b"\x01\0") {
        return Some(BLOCKS_OF_RAR3.saturating_mul(HASH_BLOCK_FUEL));
    }
    // A checksum, then numbers: the header's size, type, flags, version, flags; then the rounds.
    let mut at = start.checked_add(12)?;
    for _ in 0..5 {
        let len = data.get(at..)?.iter().take(10).position(|byte| byte & 0x80 == 0)?;
        at = at.checked_add(len)?.checked_add(1)?;
    }
    rounds(*data.get(at)?)
}

/// What so many rounds cost, in fuel.
fn rounds(power: u8) -> Option<u64> {
    let rounds = 1_u64.checked_shl(power.into()).filter(|_| power <= MAX_ROUNDS)?;
    Some(rounds.saturating_mul(BLOCKS_OF_ROUND).saturating_mul(HASH_BLOCK_FUEL))
}

/// What the key of each member costs, in fuel; `None`: it is not encrypted, or not to be opened.
pub(super) fn costs(archive: &Archive) -> Vec<Option<u64>> {
    let cost = |member: ArchiveMemberRef<'_>| match member {
        ArchiveMemberRef::Rar50Plus(file) => rounds(file.encryption.as_ref()?.kdf_count),
        other => other.to_owned().meta.is_encrypted.then_some(BLOCKS_OF_RAR3.saturating_mul(HASH_BLOCK_FUEL)),
    };
    archive.member_refs().map(cost).collect()
}

impl Rar {
    /// Finds the password of the members, once.
    pub(super) fn find_key(&mut self, budget: &mut Budget) {
        let (Some(archive), None) = (self.archive.as_deref(), self.key.as_ref()) else { return };
        let costs = costs(archive);
        let solid = archive.member_refs().any(|member| member.to_owned().is_solid());
        // In a solid archive only the first can be decoded by itself.
        let sealed = archive.members().enumerate().filter(|(at, member)| {
            let whole = !member.meta.is_split_before && !member.meta.is_split_after && !member.meta.is_directory;
            // An empty member proves nothing.
            whole && member.meta.unpacked_size > 0 && costs.get(*at).is_some_and(Option::is_some)
        });
        let chosen =
            if solid { sealed.take(1).next() } else { sealed.min_by_key(|(_, member)| member.meta.packed_size) };
        let Some((chosen, _)) = chosen else {
            // Nothing can be tried; that is known only when all of it is.
            self.key = Some(None);
            return;
        };
        let cost = costs.get(chosen).copied().flatten().unwrap_or(u64::MAX);
        let mut found = None;
        for (password, source) in budget.passwords().iter().filter(|(password, _)| !password.is_empty()) {
            if !budget.may_try(cost) {
                break;
            }
            if opens(archive, chosen, password, budget) {
                found = Some(Key { password: password.to_owned(), source, headers: false });
                break;
            }
        }
        self.key = Some(found);
    }
}

/// Counts what is written, against what may be.
struct Count(Rc<RefCell<(u64, u64)>>);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut count = self.0.borrow_mut();
        count.0 = count.0.saturating_add(bytes.len() as u64);
        if count.0 > count.1 { Err(io::ErrorKind::TimedOut.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a password opens a member, by its checksum.
fn opens(archive: &Archive, chosen: usize, password: &str, budget: &mut Budget) -> bool {
    let count = Rc::new(RefCell::new((0, budget.trial_left())));
    let options = ArchiveReadOptions::with_password(password.as_bytes())
        .with_max_reader_workspace_bytes(MAX_WORKSPACE)
        .with_rar50_dictionary_size_limit(MAX_DICTIONARY);
    let (mut index, mut met) = (0_usize, false);
    let decide = |_: &rars::ArchiveMember| {
        let number = index;
        index = index.saturating_add(1);
        Ok(match number.cmp(&chosen) {
            std::cmp::Ordering::Less => ExtractionDecision::Skip,
            std::cmp::Ordering::Equal => {
                met = true;
                ExtractionDecision::Extract(Box::new(Count(Rc::clone(&count))))
            }
            std::cmp::Ordering::Greater => ExtractionDecision::Stop,
        })
    };
    let mut failed = false;
    let note = |_: &rars::ArchiveMember, _: &Error| {
        failed = true;
        Ok(ExtractionErrorAction::Continue)
    };
    let run = catch_unwind(AssertUnwindSafe(|| archive.extract_with_control_and_errors(options, decide, note)));
    let opened = matches!(run, Ok(Ok(_))) && met && !failed;
    let (made, _) = *count.borrow();
    // What a wrong password made was work as well.
    budget.may_try(made) && opened
}
