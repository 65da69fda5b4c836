//! ARJ: stored members, and methods 1 to 4.
//!
//! What stands behind the archive comes as an unlisted member. Garbled members are opened with the
//! passwords of the budget. Limits: the budget, [`MAX_FAILED`]. Not handled: its stronger encryption
//! (GOST), which stays encrypted; members that go on in another volume are reported as such.

use mail::evidence::{PasswordSource, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32, take};
use crate::container::{Container, Member};
use crate::decode::{Decoded, End, Method, decode, stored};
use crate::decrypt::forms;
use crate::names;

/// Starts every header.
const MAGIC: &[u8] = b"\x60\xea";
/// Longest header, in bytes.
const MAX_HEADER: usize = 2600;
/// Most extended headers of one member.
const MAX_EXTENDED: usize = 64;
/// How much work a member is, in fuel, beside its bytes.
const MEMBER_FUEL: u64 = 4096;

/// So many members that no password opened; then the others stay encrypted.
const MAX_FAILED: u32 = 16;

/// Flags of a header: encrypted, goes on in the next volume, goes on from the one before.
const GARBLED: u8 = 1;
const VOLUME: u8 = 4;
const CONTINUED: u8 = 8;
/// The type of a folder.
const FOLDER: u8 = 3;

/// A header, and where what it tells of stands.
struct Header<'a> {
    /// Its fields.
    fields: &'a [u8],
    name: &'a [u8],
    /// Behind it and its extended headers.
    end: usize,
    sound: bool,
}

/// What stands at a place.
enum Found<'a> {
    Header(Header<'a>),
    /// The end mark, and what is behind it.
    End(usize),
    Nothing,
}

/// The header at `at`.
fn read(data: &[u8], at: usize) -> Found<'_> {
    let head = || {
        let (magic, len) = (take(data, at, 2)?, usize::from(le16(data, at.checked_add(2)?)?));
        (magic == MAGIC && len <= MAX_HEADER).then_some(len)
    };
    let Some(len) = head() else { return Found::Nothing };
    let start = at.saturating_add(4);
    if len == 0 {
        return Found::End(start);
    }
    let header = || {
        let all = take(data, start, len)?;
        let first = usize::from(*all.first()?);
        let fields = take(all, 0, first).filter(|fields| fields.len() >= 30)?;
        let name = between(all, first, all.len());
        let name = between(name, 0, memchr::memchr(0, name).unwrap_or(name.len()));
        let mut end = start.checked_add(len)?;
        let sound = le32(data, end) == Some(crc32fast::hash(all));
        end = end.checked_add(4)?;
        for _ in 0..MAX_EXTENDED {
            let len = usize::from(le16(data, end)?);
            end = end.checked_add(2)?;
            if len == 0 {
                return Some(Header { fields, name, end, sound });
            }
            end = end.checked_add(len)?.checked_add(4)?;
        }
        None
    };
    header().map_or(Found::Nothing, Found::Header)
}

/// Whether an archive starts here: the magic is short, so the header's checksum must be right.
pub(crate) fn starts(data: &[u8]) -> bool {
    let len = usize::from(le16(data, 2).unwrap_or(0));
    let header = take(data, 4, len).filter(|_| data.starts_with(MAGIC) && (30..=MAX_HEADER).contains(&len));
    header.is_some_and(|header| le32(data, len.saturating_add(4)) == Some(crc32fast::hash(header)))
}

/// How long the header says that it is, in bytes, where that is possible.
pub(crate) fn head_len(data: &[u8]) -> usize {
    let len = usize::from(le16(data, 2).unwrap_or(0));
    if len > MAX_HEADER { 4 } else { len.saturating_add(4) }
}

/// An ARJ archive.
pub(crate) struct Arj {
    at: usize,
    index: u32,
    /// The archive's own header is still to be passed.
    main: bool,
    /// The password that opened a member, and how many members none opened.
    password: Option<(String, PasswordSource)>,
    failed: u32,
    meter: Meter,
    problems: Vec<UnscannedReason>,
}

impl Arj {
    pub(crate) fn open(data: &[u8]) -> Self {
        let meter = Meter::new(data.len() as u64);
        Self { at: 0, index: 0, main: true, password: None, failed: 0, meter, problems: Vec::new() }
    }

    fn problem(&mut self, reason: UnscannedReason) {
        if !self.problems.contains(&reason) {
            self.problems.push(reason);
        }
    }

    /// What no header tells of, from `from` on.
    fn rest(&mut self, from: usize, data: &[u8], budget: &mut Budget) -> Option<Member> {
        self.at = data.len();
        let rest = between(data, from, data.len());
        if rest.iter().all(|byte| matches!(byte, 0 | 0x1a)) {
            return None;
        }
        let mut member = Member { hidden: true, ..Member::default() };
        stored(&mut member, rest, budget, &mut self.meter);
        Some(member)
    }

    fn member(&mut self, header: &Header<'_>, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let field = |at: usize| le32(header.fields, at).unwrap_or(0);
        let byte = |at: usize| header.fields.get(at).copied().unwrap_or(0);
        let (flags, method, kind) = (byte(4), byte(5), byte(6));
        let (packed, size, sum) = (field(12), u64::from(field(16)), field(20));
        let start = header.end;
        let end = start.saturating_add(usize::try_from(packed).unwrap_or(usize::MAX));
        self.at = end.min(data.len());
        if kind == FOLDER && packed == 0 {
            return None;
        }
        let (name, other_names) = names::split([names::decode(header.name)]);
        let mut member = Member { name, other_names, ..Member::default() };
        if flags & (VOLUME | CONTINUED) != 0 {
            member.problem(UnscannedReason::Volume);
        } else if !header.sound || end > data.len() {
            member.problem(UnscannedReason::Damaged);
        }
        let method = match method {
            0 => Method::Stored,
            1..=3 => Method::Lha { method: *b"-lh7-", size },
            4 => Method::ArjFastest { size },
            _ => {
                member.problem(UnscannedReason::UnknownFormat);
                return Some(member);
            }
        };
        let packed = between(data, start, end);
        if flags & GARBLED != 0 {
            self.unlock(&mut member, method, (byte(7), packed), (size, sum), budget);
        } else {
            let decoded = decode(method, packed, budget, &mut self.meter);
            content(&mut member, decoded, (size, sum));
        }
        Some(member)
    }

    /// Opens a garbled member: each byte is masked with one of the password and a number of its header's.
    fn unlock(
        &mut self,
        member: &mut Member,
        method: Method,
        (modifier, packed): (u8, &[u8]),
        stated: (u64, u32),
        budget: &mut Budget,
    ) {
        let passwords = budget.passwords();
        let known = self.password.clone();
        let first = known.iter().map(|(password, source)| (password.as_str(), *source));
        let others = passwords.iter().take(if self.failed < MAX_FAILED { usize::MAX } else { 0 });
        for (password, source) in first.chain(others).filter(|(password, _)| !password.is_empty()) {
            for form in forms(password) {
                // What is decoded wrongly may be as long as what is stated.
                if !budget.may_try((packed.len() as u64).saturating_mul(2)) {
                    return member.problem(UnscannedReason::Encrypted);
                }
                let masks = form.iter().cycle().map(|byte| byte.wrapping_add(modifier));
                let plain: Vec<u8> = packed.iter().zip(masks).map(|(byte, mask)| byte ^ mask).collect();
                let decoded = decode(method, &plain, budget, &mut self.meter);
                if is_met(&decoded, stated) {
                    self.password = Some((password.to_owned(), source));
                    member.opened_with = Some(source);
                    member.content = decoded.content;
                    return;
                }
            }
        }
        self.failed = self.failed.saturating_add(1);
        member.problem(UnscannedReason::Encrypted);
    }
}

/// Whether what was decoded is what its header states: size and checksum.
fn is_met(decoded: &Decoded, (size, sum): (u64, u32)) -> bool {
    decoded.end == End::Complete && decoded.content.len() as u64 == size && decoded.crc == sum
}

/// Gives a member what was decoded.
fn content(member: &mut Member, decoded: Decoded, stated: (u64, u32)) {
    match decoded.end {
        End::Limit(limit) => member.problem(limit.into()),
        _ if is_met(&decoded, stated) => {}
        End::Complete | End::Broken | End::Unknown => member.problem(UnscannedReason::Damaged),
    }
    member.content = decoded.content;
}

impl Container for Arj {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        while self.at < data.len() {
            if let Some(limit) = budget.exhausted().or_else(|| budget.burn(MEMBER_FUEL).err()) {
                self.problem(limit.into());
                self.at = data.len();
                return None;
            }
            self.meter.next_object();
            let member = match read(data, self.at) {
                Found::Header(header) if self.main => {
                    (self.main, self.at) = (false, header.end);
                    None
                }
                Found::Header(header) => self.member(&header, data, budget),
                Found::End(behind) => self.rest(behind, data, budget),
                Found::Nothing => {
                    self.problem(UnscannedReason::Damaged);
                    self.rest(self.at, data, budget)
                }
            };
            if let Some(mut member) = member {
                member.index = self.index;
                self.index = self.index.saturating_add(1);
                return Some(member);
            }
        }
        None
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}
