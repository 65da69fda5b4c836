//! Entry points for fuzzing: each makes files of its kinds anew and asserts that what was to go is gone, that
//! the new file opens, that it is bounded, and where a format is carried over, that the rest is there.

use std::collections::BTreeSet;

use mail::evidence::{Active, FileKind, Role};
use sha2::{Digest, Sha256};
use unpack::{Budget, Limits, Member, Opening, StopFlag, detect, open};

use crate::formats::{Written, format};
use crate::{Rebuilt, Wish};

/// Most bytes that all members of a file give here.
const MAX_OUT: u64 = 16 << 20;
/// What a new file may have beside what was in it: a directory, tables, a frame.
const FRAME: usize = 1 << 20;
/// Most members that are compared.
const MAX_MEMBERS: usize = 1000;

fn budget() -> Budget {
    let limits = Limits { fuel: 64 << 20, ratio: u32::MAX, bytes_out: MAX_OUT, ..Limits::default() };
    Budget::new(limits, StopFlag::new())
}

/// What opening a file gave.
#[derive(Default)]
struct Listed {
    members: Vec<Member>,
    /// It would not pass as clean: some of it could not be read.
    is_told: bool,
}

/// The members of a file that is of this kind; `None` when it is not opened as one.
fn listed(kind: FileKind, data: &[u8]) -> Option<Listed> {
    let mut budget = budget();
    let Opening::Container(mut container) = open(kind, data, &mut budget) else { return None };
    let members: Vec<Member> = std::iter::from_fn(|| container.next(data, &mut budget)).take(MAX_MEMBERS).collect();
    let is_told = !container.problems().is_empty() || members.iter().any(|it| !it.problems.is_empty());
    Some(Listed { members, is_told })
}

fn members(data: &[u8]) -> Vec<Member> {
    listed(detect(data), data).unwrap_or_default().members
}

/// The first byte says which members are removed, the rest is the archive.
pub fn fuzz_zip_without(data: &[u8]) {
    let Some((mask, data)) = data.split_first() else { return };
    let remove: Vec<u32> = (0..8).filter(|bit| mask >> bit & 1 == 1).collect();
    let Ok(rebuilt) = crate::zip_without(data, &remove) else { return };
    assert!(rebuilt.len() <= data.len(), "a rebuild never grows");
    let is_removed = |member: &Member| !member.hidden && remove.contains(&member.index);
    let (gone, mut before): (Vec<Member>, Vec<Member>) = members(data).into_iter().partition(is_removed);
    let after = members(&rebuilt);
    // Where the head of a member is damaged, its data seem to stand where no file does, and go with it.
    if gone.iter().any(|member| !member.problems.is_empty()) {
        before.retain(|member| !member.hidden || after.iter().any(|it| it.hidden && it.content == member.content));
    }
    let seen = |member: Member| (member.name, member.content, member.problems);
    assert!(before.into_iter().map(seen).eq(after.into_iter().map(seen)), "the rest is as it was");
}

/// Takes all active content out of a file of any kind: no panic, and what is told is bounded.
pub fn fuzz_disarm(data: &[u8]) {
    active(detect(data), data);
}

/// The kind as which a rebuild opens, and what that gives.
fn opened(kind: FileKind, data: &[u8], rebuilt: &Rebuilt) -> (FileKind, Listed) {
    assert!(!rebuilt.bytes.is_empty(), "a file does not become nothing");
    assert!(rebuilt.removed.len() <= crate::MAX_REMOVALS, "what is told is bounded");
    let most = data.len().saturating_mul(8).saturating_add(MAX_OUT as usize).saturating_add(FRAME);
    assert!(rebuilt.bytes.len() <= most, "{} bytes of {}", rebuilt.bytes.len(), data.len());
    let kind = match rebuilt.suffix {
        ".zip" => FileKind::Zip,
        ".gz" => FileKind::Gzip,
        _ => kind,
    };
    let new = listed(kind, &rebuilt.bytes);
    // A page in which nothing is left to look at is text like any other.
    let page = matches!(kind, FileKind::Html | FileKind::Svg);
    assert!(new.is_some() || page, "the new {} does not open", kind.name());
    (kind, new.unwrap_or_default())
}

/// The kinds of active content in some members.
fn acting(members: &[Member]) -> BTreeSet<Active> {
    let what = |member: &Member| if let Role::Active(what) = member.role { Some(what) } else { None };
    members.iter().filter_map(what).collect()
}

/// Takes all active content out of a file that is opened as this kind. Whatever damage it bears: what the table of
/// formats lists is gone, or the file is refused, or the new one is told as damaged or not read whole.
fn active(kind: FileKind, data: &[u8]) {
    let Some(done) = disarmed(kind, data) else { return };
    let (before, left) = (&done.before, &done.left);
    assert!(left.is_empty() || done.is_told, "{left:?} in a new {} of one with {before:?}", kind.name());
}

/// What became of a file.
#[derive(Debug)]
struct Disarmed {
    /// What acted in it.
    before: BTreeSet<Active>,
    /// What acts in the new one, of what can be taken out of such a file.
    left: BTreeSet<Active>,
    /// The new one does not pass as clean: some of it could not be read.
    is_told: bool,
}

/// What acts in a file, and in what is made of it; `None` when it is refused.
fn disarmed(kind: FileKind, data: &[u8]) -> Option<Disarmed> {
    let wish = Wish { active: Active::ALL.into_iter().collect(), ..Wish::default() };
    let rebuilt = crate::remove(kind, data, &wish, &mut budget()).ok()?;
    let (kind, new) = opened(kind, data, &rebuilt);
    let removable: BTreeSet<Active> = format(kind).map_or(&[][..], |format| format.active).iter().copied().collect();
    let left = acting(&new.members).intersection(&removable).copied().collect();
    let before = acting(&listed(kind, data).unwrap_or_default().members);
    Some(Disarmed { before, left, is_told: new.is_told })
}

/// Asserts that something acts in a sound file, and nothing of it in what is made of it.
pub fn assert_disarmed(data: &[u8]) {
    let done = disarmed(detect(data), data);
    assert!(done.as_ref().is_some_and(|it| !it.before.is_empty() && it.left.is_empty()), "{done:?}");
}

/// Takes a member out of a file that is opened as this kind; the first byte says which.
fn victim(kind: FileKind, data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let is_file = |member: &&Member| member.role == Role::File && !member.content.is_empty() && !member.hidden;
    let before = listed(kind, data).unwrap_or_default().members;
    let files: Vec<&Member> = before.iter().filter(is_file).collect();
    let Some(victim) = files.get(usize::from(*choice).checked_rem(files.len()).unwrap_or(0)) else { return };
    let wish = Wish { remove: [Sha256::digest(&victim.content).into()].into(), ..Wish::default() };
    let Ok(rebuilt) = crate::remove(kind, data, &wish, &mut budget()) else { return };
    let after = opened(kind, data, &rebuilt).1.members;
    assert!(!after.iter().any(|it| is_file(&it) && it.content == victim.content), "what was to go is still there");
    let carried = format(kind).is_some_and(|it| it.written == Written::Zip);
    if carried || matches!(kind, FileKind::Tar | FileKind::SevenZip) {
        let stays = before.iter().filter(is_file).filter(|it| it.content != victim.content);
        let there = after.iter().filter(is_file);
        assert!(stays.map(|it| &it.content).eq(there.map(|it| &it.content)), "the rest is as it was");
    }
}

/// A tar archive: the first byte says which member goes.
pub fn fuzz_tar(data: &[u8]) {
    victim(FileKind::Tar, data);
}

/// A 7z archive: the first byte says which member goes.
pub fn fuzz_seven_zip(data: &[u8]) {
    victim(FileKind::SevenZip, data);
}

/// A mail message: the first byte says which part goes.
pub fn fuzz_message(data: &[u8]) {
    victim(FileKind::Message, data);
}

/// An archive that becomes zip: the first byte says which member goes, the rest is of any such kind.
pub fn fuzz_to_zip(data: &[u8]) {
    let kind = detect(data.get(1..).unwrap_or_default());
    if format(kind).is_some_and(|format| format.written == Written::Zip) {
        victim(kind, data);
    }
}

/// A compressed archive: the first byte says which member of the archive in it goes.
pub fn fuzz_stream(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let kind = detect(data);
    if !matches!(kind, FileKind::Gzip | FileKind::Compressed) {
        return;
    }
    let Some(inner) = members(data).into_iter().next() else { return };
    let files: Vec<Member> = members(&inner.content).into_iter().filter(|it| !it.content.is_empty()).collect();
    let Some(victim) = files.get(usize::from(*choice).checked_rem(files.len()).unwrap_or(0)) else { return };
    let (remove, through) = (Sha256::digest(&victim.content).into(), Sha256::digest(&inner.content).into());
    let wish = Wish { remove: [remove].into(), through: [through].into(), ..Wish::default() };
    let Ok(rebuilt) = crate::remove(kind, data, &wish, &mut budget()) else { return };
    let outer = opened(kind, data, &rebuilt).1.members;
    let mut left = outer.iter().flat_map(|it| members(&it.content));
    let gone = |it: Member| it.role != Role::File || it.hidden || it.content != victim.content;
    assert!(left.all(gone), "what was to go is still there");
}

/// A document of Office as a package.
pub fn fuzz_ooxml(data: &[u8]) {
    active(FileKind::Ooxml, data);
}

/// A document in OpenDocument.
pub fn fuzz_odf(data: &[u8]) {
    active(FileKind::Odf, data);
}

/// Rich text.
pub fn fuzz_rtf(data: &[u8]) {
    active(FileKind::Rtf, data);
}

/// A compound file: documents of Office 97 to 2003, items of Outlook.
pub fn fuzz_ole2(data: &[u8]) {
    active(FileKind::Ole2, data);
}

/// A PDF document.
pub fn fuzz_pdf(data: &[u8]) {
    active(FileKind::Pdf, data);
}

/// A page, or a picture in SVG: the first byte says which.
pub fn fuzz_html(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    active(if choice & 1 == 0 { FileKind::Html } else { FileKind::Svg }, data);
}
