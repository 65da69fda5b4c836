//! What goes, found and taken out from the inside to the outside, on a stack of open containers.
//!
//! A container on the way to something that goes is opened as an examination opens it. What the wish
//! names is taken out; what lies deeper is rebuilt first and then put back. A container inside that
//! cannot be rebuilt, or of which nothing would remain, goes as a whole: it is never left as it was.
//! Limits: [`MAX_DEPTH`], [`MAX_REMOVALS`], and the budget.

use std::collections::{BTreeMap, BTreeSet};

use mail::evidence::{Active, FileKind, Role};
use sha2::{Digest, Sha256};
use unpack::formats::rar::has_links;
use unpack::{Budget, Member, Opening};

use crate::DisarmError;
use crate::formats::{Written, format};
use crate::{flat, html, message, odf, ole2, ooxml, pdf, rtf, sevenz, stream, tar, zip};

/// Most containers in one another.
const MAX_DEPTH: usize = 64;
/// Most removals that are told; more are done all the same.
pub const MAX_REMOVALS: usize = 256;
/// Longest name of what was removed, in characters.
const MAX_NAME: usize = 200;

/// What is to go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    /// SHA-256 of the contents that go, wherever in the file they stand.
    pub remove: BTreeSet<[u8; 32]>,
    /// SHA-256 of the containers that are opened to get there; the file itself need not be among them.
    pub through: BTreeSet<[u8; 32]>,
    /// Active content that goes from every document among them.
    pub active: BTreeSet<Active>,
}

/// One thing that was taken out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// Which active content; `None`: a member.
    pub what: Option<Active>,
    /// Its name as the container gives it; may be empty. As somebody else wrote it.
    pub name: String,
}

/// A file without what was to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rebuilt {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What to put behind its name, because the format changed: `.zip`; else empty.
    pub suffix: &'static str,
    /// What was taken out; at most [`MAX_REMOVALS`].
    pub removed: Vec<Removal>,
}

/// What is done about one member, by its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// It goes.
    Remove,
    /// It gets other content, and a name with this behind it.
    Content { bytes: Vec<u8>, suffix: &'static str },
}

pub(crate) type Changes = BTreeMap<u32, Change>;

/// A container that is being rebuilt.
struct Frame {
    kind: FileKind,
    data: Vec<u8>,
    /// Its members; of those that need not be written again, without content.
    members: Vec<Member>,
    /// Members that have to be rebuilt, the last first, with their content.
    inner: Vec<(u32, FileKind, Vec<u8>)>,
    changes: Changes,
    /// The member whose new content is being made.
    waiting: Option<u32>,
    /// Kinds of active content that go.
    active: BTreeSet<Active>,
}

/// Removes what `wish` names from a file of this kind.
///
/// # Errors
/// Refused when nothing of what is named is in it, when nothing would remain, and when what remains
/// could not be carried over.
pub fn remove(kind: FileKind, data: &[u8], wish: &Wish, budget: &mut Budget) -> Result<Rebuilt, DisarmError> {
    let mut removed = Vec::new();
    let mut frames = vec![Frame::open(kind, data.to_vec(), wish, budget, &mut removed)?];
    loop {
        let depth = frames.len();
        let Some(frame) = frames.last_mut() else { return Err(DisarmError::NotSound) };
        if let Some((index, kind, content)) = frame.inner.pop() {
            let opened = if depth < MAX_DEPTH {
                Frame::open(kind, content, wish, budget, &mut removed)
            } else {
                Err(DisarmError::TooLarge)
            };
            match opened {
                Ok(inner) => {
                    frame.waiting = Some(index);
                    frames.push(inner);
                }
                Err(error) => frame.give_up(index, error, &mut removed)?,
            }
            continue;
        }
        let Some(frame) = frames.pop() else { return Err(DisarmError::NotSound) };
        let made = frame.rebuild(budget);
        let Some(outer) = frames.last_mut() else {
            let (bytes, suffix) = made?;
            return Ok(Rebuilt { bytes, suffix, removed });
        };
        let Some(index) = outer.waiting.take() else { return Err(DisarmError::NotSound) };
        match made {
            Ok((bytes, suffix)) => drop(outer.changes.insert(index, Change::Content { bytes, suffix })),
            Err(error) => outer.give_up(index, error, &mut removed)?,
        }
    }
}

fn note(removed: &mut Vec<Removal>, what: Option<Active>, member: &Member) {
    if removed.len() < MAX_REMOVALS {
        let name = member.name.as_ref().map_or("", |name| name.raw());
        let removal = Removal { what, name: name.chars().take(MAX_NAME).collect() };
        // A part with a macro and the macro in it are one thing to whoever reads of it.
        if what.is_none() || !removed.contains(&removal) {
            removed.push(removal);
        }
    }
}

impl Frame {
    /// Opens a container and tells what is to be done about its members.
    fn open(
        kind: FileKind,
        data: Vec<u8>,
        wish: &Wish,
        budget: &mut Budget,
        removed: &mut Vec<Removal>,
    ) -> Result<Self, DisarmError> {
        let Opening::Container(mut container) = unpack::open(kind, &data, budget) else {
            return Err(DisarmError::Format);
        };
        let mut frame = Self {
            kind,
            data,
            members: Vec::new(),
            inner: Vec::new(),
            changes: Changes::new(),
            waiting: None,
            active: wish.active.clone(),
        };
        while let Some(mut member) = container.next(&frame.data, budget) {
            budget.enter_object(0).map_err(|_| DisarmError::Limit)?;
            let nested = member.kind.is_some();
            let sum = <[u8; 32]>::from(Sha256::digest(&member.content));
            let named = member.kind != Some(FileKind::Multipart) && wish.remove.contains(&sum);
            if let Some(what) = frame.goes_with_active(&member) {
                note(removed, Some(what), &member);
            } else if let Role::Active(what) = member.role
                && !named
                && is_document(kind)
                && wish.active.contains(&what)
            {
                note(removed, Some(what), &member);
            } else if named || wish.through.contains(&sum) && !nested {
                frame.mark(&mut member, named, removed)?;
            }
            let known = frame.changes.contains_key(&member.index);
            if !is_searched(kind) && (!carries_content(kind) && !is_document(kind) || known) {
                member.content = Vec::new();
            }
            frame.members.push(member);
        }
        if !container.problems().is_empty() && carries_content(kind) {
            return Err(DisarmError::NotSound);
        }
        let active = is_document(kind) && !frame.active.is_empty();
        if frame.changes.is_empty() && frame.inner.is_empty() && !active {
            return Err(DisarmError::NothingToRemove);
        }
        frame.inner.reverse();
        frame.note_rest_of_page(wish, removed);
        Ok(frame)
    }

    /// A page is written anew without any of what acts in it: tells of what nobody asked for, too.
    fn note_rest_of_page(&self, wish: &Wish, removed: &mut Vec<Removal>) {
        for member in self.members.iter().filter(|_| is_page(self.kind)) {
            if let Role::Active(what) = member.role
                && html::ALWAYS.contains(&what)
                && !wish.active.contains(&what)
                && !wish.remove.contains(&<[u8; 32]>::from(Sha256::digest(&member.content)))
            {
                note(removed, Some(what), member);
            }
        }
    }

    /// With which active content a part of a document goes.
    fn goes_with_active(&self, member: &Member) -> Option<Active> {
        let name = member.name.as_ref().map_or("", |name| name.raw());
        match self.kind {
            _ if member.role != Role::File => None,
            FileKind::Ooxml => ooxml::drops(name, &self.active),
            FileKind::Odf => odf::drops(name, &self.active),
            _ => None,
        }
    }

    /// Notes what is to be done about one member: it goes, or something in it does.
    fn mark(&mut self, member: &mut Member, goes: bool, removed: &mut Vec<Removal>) -> Result<(), DisarmError> {
        if member.hidden && !is_searched(self.kind) {
            return Err(DisarmError::Unlisted);
        }
        match member.role {
            Role::Active(what) => {
                self.active.insert(what);
                note(removed, Some(what), member);
            }
            // All that an RTF holds are its objects.
            Role::File if self.kind == FileKind::Rtf => {
                self.active.insert(Active::OlePackage);
                note(removed, Some(Active::OlePackage), member);
            }
            // What scripts of a page put together goes with them.
            Role::File | Role::Decoded if goes && (member.role == Role::File || is_page(self.kind)) => {
                self.changes.insert(member.index, Change::Remove);
                note(removed, None, member);
            }
            Role::File => {
                let content = match is_searched(self.kind) {
                    true => member.content.clone(),
                    false => std::mem::take(&mut member.content),
                };
                self.inner.push((member.index, unpack::detect(&content), content));
            }
            // Another form of the whole: there is no place in it that could be cut out.
            _ => return Err(DisarmError::Format),
        }
        Ok(())
    }

    /// A member that cannot be rebuilt goes as a whole.
    fn give_up(&mut self, index: u32, error: DisarmError, removed: &mut Vec<Removal>) -> Result<(), DisarmError> {
        if error == DisarmError::Limit {
            return Err(error);
        }
        self.changes.insert(index, Change::Remove);
        if let Some(member) = self.members.iter().find(|member| member.index == index) {
            note(removed, None, member);
        }
        Ok(())
    }

    /// The new form, and what is put behind its name.
    fn rebuild(self, budget: &mut Budget) -> Result<(Vec<u8>, &'static str), DisarmError> {
        budget.burn((self.data.len() as u64).saturating_mul(4)).map_err(|_| DisarmError::Limit)?;
        let (data, changes) = (self.data.as_slice(), &self.changes);
        Ok(match self.kind {
            FileKind::Zip | FileKind::Jar => (zip::edit(data, changes)?, ""),
            FileKind::Tar => (tar::edit(data, &self.members, changes, budget)?, ""),
            FileKind::SevenZip => (sevenz::write(&kept(&self.members, changes)?)?, ""),
            FileKind::Gzip | FileKind::Compressed => stream::recompress(data, &self.members, changes)?,
            FileKind::Ooxml => ooxml::edit(data, &self.members, changes, &self.active)?,
            FileKind::Odf => (odf::edit(data, &self.members, changes, &self.active)?, ""),
            FileKind::Xml => (flat::edit(data, changes, &self.active)?, ""),
            FileKind::Rtf => (rtf::edit(data, &self.active)?, ""),
            FileKind::Ole2 => (ole2::edit(data, &self.members, changes, &self.active, budget)?, ""),
            FileKind::Pdf => (pdf::edit(data, &self.members, changes, &self.active, budget)?, ""),
            kind @ (FileKind::Html | FileKind::Svg) => {
                (html::edit(kind, data, &self.members, changes, &self.active)?, "")
            }
            FileKind::Message => (message::edit(data, &self.members, changes)?, ""),
            // A zip archive would lack the names that only lead to others; what is not read in full may have some.
            FileKind::Rar if has_links(data, budget) != Some(false) => return Err(DisarmError::NotSound),
            kind if format(kind).is_some_and(|format| format.written == Written::Zip) => {
                let members = kept(&self.members, changes)?;
                let borrowed: Vec<(String, &[u8])> =
                    members.iter().map(|(name, content)| (name.clone(), content.as_slice())).collect();
                (zip::write(&borrowed)?, ".zip")
            }
            _ => return Err(DisarmError::Format),
        })
    }
}

/// Whether members of this format are written again from their content.
fn carries_content(kind: FileKind) -> bool {
    kind == FileKind::SevenZip || format(kind).is_some_and(|format| format.written == Written::Zip)
}

/// Whether active content can be taken out of it.
fn is_document(kind: FileKind) -> bool {
    format(kind).is_some_and(|format| !format.active.is_empty())
}

/// Whether it is a page, whose parts stand in addresses and scripts.
fn is_page(kind: FileKind) -> bool {
    matches!(kind, FileKind::Html | FileKind::Svg)
}

/// Whether a part is found in it by its content, and what no list tells of is left out when it is written.
fn is_searched(kind: FileKind) -> bool {
    matches!(kind, FileKind::Ole2 | FileKind::Pdf | FileKind::Html | FileKind::Svg)
}

/// What remains, by name and content.
fn kept(members: &[Member], changes: &Changes) -> Result<Vec<(String, Vec<u8>)>, DisarmError> {
    let mut kept = Vec::new();
    for member in members {
        let name = member.name.as_ref().map_or("", |name| name.raw());
        let (content, suffix) = match changes.get(&member.index) {
            Some(Change::Remove) => continue,
            Some(Change::Content { bytes, suffix }) => (bytes.clone(), *suffix),
            // A member that is not there in full, or that no list tells of, would get lost or shown.
            None if !member.problems.is_empty() || member.hidden => return Err(DisarmError::NotSound),
            None if member.opened_with.is_some() => return Err(DisarmError::Encrypted),
            None => (member.content.clone(), ""),
        };
        kept.push((format!("{}{suffix}", safe_name(name, kept.len())), content));
    }
    if kept.is_empty() { Err(DisarmError::NothingLeft) } else { Ok(kept) }
}

/// A name for a new archive: no way out of the folder it is unpacked to, and no drive.
fn safe_name(name: &str, at: usize) -> String {
    let slashed = name.replace('\\', "/");
    let plain = |step: &&str| !matches!(*step, "" | "." | "..") && !step.contains('\0');
    let steps: Vec<&str> = slashed.split('/').map(without_drive).filter(plain).collect();
    if steps.is_empty() { format!("file{}", at.saturating_add(1)) } else { steps.join("/") }
}

/// A step of a path without the letters of drives in front.
fn without_drive(mut step: &str) -> &str {
    while let [letter, b':', ..] = step.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        step = step.get(2..).unwrap_or("");
    }
    step
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn names_do_not_leave_the_folder_of_a_new_archive() {
        for (name, safe) in [
            ("a/b.txt", "a/b.txt"),
            ("../../etc/passwd", "etc/passwd"),
            ("/abs", "abs"),
            ("..\\..\\a", "a"),
            ("..", "file3"),
            ("a\0b", "file3"),
            ("C:\\Windows\\x.dll", "Windows/x.dll"),
            ("c:/x.dll", "x.dll"),
            ("C:x.dll", "x.dll"),
            ("C:..\\x.dll", "x.dll"),
            ("C:", "file3"),
            ("\\\\?\\C:\\x.dll", "?/x.dll"),
            ("Re: x.txt", "Re: x.txt"),
        ] {
            assert_eq!(safe_name(name, 2), safe, "{name:?}");
        }
    }
}
