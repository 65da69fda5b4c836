//! OneNote sections (MS-ONESTORE): the files attached in them, and text as far as it can be told.
//!
//! The file is not walked by its structure, which is meant to be changed in place and keeps what was deleted;
//! attached files are found by the marks around them, so those that a page no longer shows are found too. What
//! stands within the bytes of another is unlisted.
//! In sections packed for the web (MS-ONESTORE 2.8) they stand in the data elements of MS-FSSHTTPB
//! 2.2.1.12.8. Limits: the budget, [`MAX_FILES`], [`MAX_READ`], [`MAX_NAMES`]. Sections with a password are told as encrypted: how is not
//! documented, and their files are given encrypted as they stand. Not handled: attachments that are split over several
//! data elements, and what belongs to which page.

mod names;
mod text;

use std::ops::Range;

use mail::evidence::UnscannedReason;
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::bytes::{between, le32, le64, take};
use crate::container::{Container, Member};
use crate::views::Views;

/// Most attached files of one section.
const MAX_FILES: usize = 4096;
/// How many times a section's size all files together may have: marks in one another share their bytes.
const MAX_READ: u64 = 3;
/// Begins a section, and a table of contents.
const SECTIONS: [&[u8]; 2] = [
    b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3",
    b"\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f",
];
/// How much work a file is, in fuel, beside its bytes.
const FILE_FUEL: u64 = 1024;

/// Begins an attached file (MS-ONESTORE 2.6.13), and ends it.
const HEADER: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";
const FOOTER: &[u8] = b"\x22\xa7\xfb\x71\x79\x0f\x0b\x4a\xbb\x13\x89\x92\x56\x42\x6b\x24";
/// Begins what says how pages of a section are encrypted (MS-ONESTORE 2.5.19), and ends it.
const KEY_HEADER: [u8; 8] = 0xfb6b_a385_dad1_a067_u64.to_le_bytes();
const KEY_FOOTER: [u8; 8] = 0x2649_294f_8e19_8b3c_u64.to_le_bytes();
/// How far behind its mark an attached file starts, in bytes.
const HEAD: usize = 36;
/// In a section for the web: a data element of the type for attached files, and the head of its content.
const WEB_MARK: &[u8] = b"\x15\x12\0";

/// An attached file.
struct File {
    /// Where its mark stands.
    at: usize,
    content: Range<usize>,
    cut: bool,
    /// It stands within the bytes that another one claims.
    inner: bool,
}

/// A section.
pub(crate) struct OneNote {
    files: std::vec::IntoIter<(File, Option<String>)>,
    views: Option<Views>,
    last: std::vec::IntoIter<Member>,
    meter: Meter,
    next: u32,
    /// Bytes given so far.
    read: u64,
    problems: Vec<UnscannedReason>,
}

impl OneNote {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let mut section = Self {
            files: Vec::new().into_iter(),
            views: None,
            last: Vec::new().into_iter(),
            meter: Meter::new(data.len() as u64),
            next: 0,
            read: 0,
            problems: Vec::new(),
        };
        if let Err(limit) = budget.burn((data.len() as u64).saturating_mul(6)) {
            section.problems.push(limit.into());
            return section;
        }
        let mut files = stored(data);
        files.extend(packed(data));
        files.sort_by_key(|file| file.content.start);
        if files.len() >= MAX_FILES {
            section.problems.push(UnscannedReason::LimitObjects);
            files.truncate(MAX_FILES);
        }
        // Text is looked for beside the files.
        let mut rest: Vec<&[u8]> = Vec::new();
        let mut at = 0;
        for file in &files {
            rest.push(between(data, at, file.at));
            at = at.max(file.content.end);
        }
        rest.push(between(data, at, data.len()));
        if rest.iter().any(|piece| is_locked(piece)) {
            section.problems.push(UnscannedReason::Encrypted);
        }
        let mut views = Views::default();
        for piece in &rest {
            text::gather(piece, &mut views.text);
        }
        let places: Vec<usize> = files.iter().map(|file| file.at).collect();
        let named = names::find(data, &rest, &places);
        section.files = files.into_iter().zip(named).collect::<Vec<_>>().into_iter();
        section.views = Some(views);
        section
    }

    fn member(&mut self, file: &File, name: Option<String>, data: &[u8], budget: &mut Budget) -> Member {
        let mut member = Member { index: self.next, name: name.map(Untrusted::new), ..Member::default() };
        self.next = self.next.saturating_add(1);
        let content = between(data, file.content.start, file.content.end);
        member.hidden = file.inner;
        self.read = self.read.saturating_add(content.len() as u64);
        if self.read > MAX_READ.saturating_mul(data.len() as u64) {
            member.problem(UnscannedReason::LimitRatio);
            return member;
        }
        self.meter.next_object();
        let counted = budget.burn(FILE_FUEL);
        match counted.and_then(|()| budget.produce(&mut self.meter, content.len() as u64, content.len() as u64)) {
            Ok(()) => member.content = content.to_vec(),
            Err(limit) => member.problem(limit.into()),
        }
        if file.cut {
            member.problem(UnscannedReason::Damaged);
        }
        member
    }
}

impl Container for OneNote {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if let Some(limit) = budget.exhausted() {
            if !self.problems.contains(&limit.into()) {
                self.problems.push(limit.into());
            }
            return None;
        }
        if let Some((file, name)) = self.files.next() {
            return Some(self.member(&file, name, data, budget));
        }
        if let Some(views) = self.views.take() {
            let (members, problems) = views.into_members(self.next, budget, &mut self.meter);
            self.last = members.into_iter();
            self.problems.extend(problems);
        }
        self.last.next()
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

/// Whether bytes of a section say that it has a password. One that had it before may say so still.
fn is_locked(piece: &[u8]) -> bool {
    let begins = memchr::memmem::find(piece, &KEY_HEADER);
    begins.is_some_and(|at| memchr::memmem::find(between(piece, at, piece.len()), &KEY_FOOTER).is_some())
}

/// Where the files attached to a section stand, in order and beside each other: what is in them is looked
/// for when they are opened.
pub(crate) fn attached(data: &[u8]) -> Vec<Range<usize>> {
    let files = stored(data).into_iter().filter(|file| !file.inner && !file.cut);
    files.map(|file| file.content).collect()
}

/// Files between the marks of a section on disk.
fn stored(data: &[u8]) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    // How far what was found so far claims, and how far sections in it do.
    let (mut claimed, mut passed) = (0_usize, 0_usize);
    for at in memchr::memmem::find_iter(data, HEADER) {
        // A file may be a section of its own, which is opened when the file is. In any other a mark counts:
        // OneNote goes by the structure, and may not know of the one in front.
        if files.len() >= MAX_FILES || at < passed {
            continue;
        }
        let Some(length) = le64(data, at.saturating_add(HEADER.len())) else { continue };
        let start = at.saturating_add(HEAD).min(data.len());
        let stated =
            usize::try_from(length).ok().and_then(|length| start.checked_add(length)).filter(|end| *end <= data.len());
        // Without a length that fits, a file goes to the mark that ends it.
        let end = stated.unwrap_or_else(|| {
            let rest = between(data, start, data.len());
            start.saturating_add(memchr::memmem::find(rest, FOOTER).unwrap_or(rest.len()))
        });
        if SECTIONS.iter().any(|magic| between(data, start, end).starts_with(magic)) {
            passed = passed.max(end);
        }
        files.push(File { at, content: start..end, cut: stated.is_none(), inner: at < claimed });
        claimed = claimed.max(end);
    }
    files
}

/// Files in the data elements of a section for the web.
fn packed(data: &[u8]) -> Vec<File> {
    let mut files = Vec::new();
    for at in memchr::memmem::find_iter(data, WEB_MARK) {
        if files.len() >= MAX_FILES {
            break;
        }
        files.extend(element(data, at));
    }
    files
}

/// The content of a data element, whose mark is at `at`; only where both lengths in it agree.
fn element(data: &[u8], at: usize) -> Option<File> {
    let head = at.checked_add(1)?;
    let short = usize::try_from(le32(data, head)? >> 17).ok()?;
    let behind = head.checked_add(4)?;
    let (length, start) = if short == 0x7fff { compact(data, behind)? } else { (short, behind) };
    let (size, content) = compact(data, start)?;
    let end = content.checked_add(size)?;
    let agree = end == start.checked_add(length)? && end <= data.len() && size > 0;
    agree.then_some(File { at, content: content..end, cut: false, inner: false })
}

/// A number whose first byte says how long it is (MS-FSSHTTPB 2.2.1.1), and what stands behind it.
fn compact(data: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = *data.get(at)?;
    let zeros = first.trailing_zeros();
    let (value, length) = match zeros {
        8 => (0, 1),
        7 => (le64(data, at.checked_add(1)?)?, 9),
        zeros => {
            let length = usize::try_from(zeros).ok()?.checked_add(1)?;
            let mut bytes = [0; 8];
            for (byte, found) in bytes.iter_mut().zip(take(data, at, length)?) {
                *byte = *found;
            }
            (u64::from_le_bytes(bytes) >> zeros.saturating_add(1), length)
        }
    };
    Some((usize::try_from(value).ok()?, at.checked_add(length)?))
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn compact_numbers_have_their_length_in_their_first_byte() {
        for (bytes, value, length) in [
            (&b"\0"[..], 0, 1),
            (b"\x0b", 5, 1),
            (b"\x02\x04", 256, 2),
            (b"\x04\0\x08", 65536, 3),
            (b"\x80\x07\0\0\0\0\0\0\0", 7, 9),
        ] {
            assert_eq!(compact(bytes, 0), Some((value, length)), "{bytes:?}");
        }
        assert_eq!(compact(b"\x02", 0), None);
    }
}
