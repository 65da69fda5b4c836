//! Presentations of PowerPoint 97 to 2003 (MS-PPT): text, actions that start programs, embedded objects
//! and macros, and encryption.
//!
//! Records stand in one another; all are looked at one after the other, whatever holds them. Limits:
//! [`MAX_OBJECTS`], [`MAX_PARTS`], and the budget. Not handled: presentations before PowerPoint 97;
//! encrypted pictures are given as they stand.

use mail::evidence::{Active, PasswordSource, UnscannedReason};

use super::Step;
use super::crypt::{Closed, Legacy};
use super::text::{decode, utf16};
use super::work::Work;
use crate::bytes::{between, le16, le32, take};
use crate::views::{Views, links};

/// Most embedded objects of one presentation.
const MAX_OBJECTS: usize = 4096;
/// Most parts of an encrypted presentation.
const MAX_PARTS: usize = 1 << 16;
/// What a byte costs, in fuel: a letter is looked at several times.
const BYTE_FUEL: u64 = 8;
/// What the head of the other stream says of a presentation that is encrypted.
const ENCRYPTED: u32 = 0xf3d1_c4df;
/// Records: texts, an embedded object, what a click does, a link, and what only encryption needs.
const DOCUMENT: u16 = 0x03e8;
const CHARACTERS: u16 = 0x0fa0;
const BYTES: u16 = 0x0fa8;
const STRING: u16 = 0x0fba;
const OBJECT: u16 = 0x1011;
const INTERACTION: u16 = 0x0ff3;
const LINK: u16 = 0x0fd7;
const EDIT: u16 = 0x0ff5;
const DIRECTORY: u16 = 0x1772;
const SESSION: u16 = 0x2f14;
/// What a click does: it starts a program.
const RUN_PROGRAM: u8 = 2;

/// One record: its kind, instance, whether it holds others, and its data.
struct Record<'a> {
    id: u16,
    instance: u16,
    holds: bool,
    body: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(data: &'a [u8], at: usize) -> Option<Self> {
        let (head, id) = (le16(data, at)?, le16(data, at.checked_add(2)?)?);
        let start = at.checked_add(8)?;
        let end = start.checked_add(le32(data, at.checked_add(4)?)? as usize)?;
        Some(Self { id, instance: head >> 4, holds: head & 0xf == 0xf, body: between(data, start, end) })
    }
}

/// Reads a presentation and gives what it shows and does.
pub(crate) fn presentation(number: u32, work: &mut Work<'_>) {
    let Some(storage) = work.cfb.entry(number).map(|entry| entry.parent) else { return };
    let mut data = work.read(number).bytes;
    let user = work.read_named(storage, "Current User").unwrap_or_default().bytes;
    if le32(&user, 12) == Some(ENCRYPTED) {
        match decrypt(&mut data, &user, work) {
            Ok(source) => {
                work.made.taken.insert(number);
                work.decrypted("PowerPoint Document", data.clone(), source);
            }
            Err(closed) => return work.problem(closed.into()),
        }
    }
    if work.burn((data.len() as u64).saturating_mul(BYTE_FUEL)).is_err() {
        return work.problem(UnscannedReason::LimitTime);
    }
    if Record::read(&data, 0).is_some_and(|record| record.id == DOCUMENT && record.holds) {
        work.made.known.insert(number);
    }
    let mut views = Views::default();
    let mut objects = Vec::new();
    if read(&data, &mut views, &mut objects) {
        work.problem(UnscannedReason::LimitObjects);
    }
    for (at, (size, bytes)) in objects.into_iter().enumerate().rev() {
        let name = format!("object {}", at.saturating_add(1));
        // Before what else is planned, in their order: macros are among them.
        work.made.steps.push_front(Step::Object97(name, size, bytes));
    }
    work.views(views);
}

/// Goes through all records; compressed objects come with their size. Tells whether there are more of them.
fn read(data: &[u8], views: &mut Views, objects: &mut Vec<(Option<u32>, Vec<u8>)>) -> bool {
    let mut more = false;
    let (mut at, mut runs, mut linked) = (0_usize, false, false);
    while let Some(record) = Record::read(data, at) {
        at = at.saturating_add(8);
        if record.holds {
            linked = record.id == LINK;
            continue;
        }
        at = at.saturating_add(record.body.len());
        match record.id {
            CHARACTERS | BYTES => {
                let text = if record.id == BYTES { decode(record.body, 1252) } else { utf16(record.body) };
                views.text.push(&text, false);
                views.text.end_line(false);
            }
            INTERACTION => runs = record.body.get(8) == Some(&RUN_PROGRAM),
            STRING if runs => {
                views.act(Active::Launch, None, utf16(record.body));
                runs = false;
            }
            STRING if linked && record.instance == 1 => {
                let address = utf16(record.body);
                if links::acts(&address) {
                    views.act(Active::Launch, Some("link"), links::kept(&address));
                }
                views.text.push(&format!("<{address}>\n"), false);
            }
            OBJECT if objects.len() >= MAX_OBJECTS => more = true,
            OBJECT => {
                let size = le32(record.body, 0).filter(|_| record.instance == 1);
                let content = if size.is_some() { between(record.body, 4, record.body.len()) } else { record.body };
                objects.push((size, content.to_vec()));
            }
            _ => {}
        }
    }
    more
}

/// Decrypts each part of a presentation with its own key (MS-PPT 2.3.7): the list of parts stands
/// behind the last edit, and how it is encrypted in one of them.
fn decrypt(data: &mut [u8], user: &[u8], work: &mut Work<'_>) -> Result<PasswordSource, Closed> {
    let damaged = Closed::Damaged;
    let edit_at = le32(user, 16).ok_or(damaged)? as usize;
    let edit = Record::read(data, edit_at).filter(|record| record.id == EDIT).ok_or(damaged)?;
    let directory = le32(edit.body, 12).ok_or(damaged)? as usize;
    let session = le32(edit.body, 28).ok_or(damaged)?;
    let directory = Record::read(data, directory).filter(|record| record.id == DIRECTORY).ok_or(damaged)?;
    let parts = parts(directory.body);
    let (_, place) = parts.iter().find(|(number, _)| *number == session).ok_or(damaged)?;
    let info = Record::read(data, *place).filter(|record| record.id == SESSION).ok_or(damaged)?;
    let (key, source) = Legacy::unlock(info.body, work.budget)?;
    for (number, place) in parts.into_iter().filter(|(number, _)| *number != session) {
        let Some(head) = take(data, place, 8) else { continue };
        let mut head = head.to_vec();
        key.decrypt_one(&mut head, number);
        let size = le32(&head, 4).unwrap_or(0) as usize;
        let end = place.saturating_add(8).saturating_add(size).min(data.len());
        if let Some(bytes) = data.get_mut(place..end) {
            work.burn((bytes.len() as u64).saturating_add(1024))?;
            key.decrypt_one(bytes, number);
        }
    }
    Ok(source)
}

/// The parts' numbers and places: runs of places, in front of each the first number and how many.
fn parts(list: &[u8]) -> Vec<(u32, usize)> {
    let mut all = Vec::new();
    let mut at = 0_usize;
    while let Some(head) = le32(list, at) {
        at = at.saturating_add(4);
        for number in (head & 0x000f_ffff..).take((head >> 20) as usize) {
            let Some(place) = le32(list, at).filter(|_| all.len() < MAX_PARTS) else { return all };
            at = at.saturating_add(4);
            all.push((number, place as usize));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(head: u16, id: u16, body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&head.to_le_bytes()[..], &id.to_le_bytes(), &size, body].concat()
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn texts_actions_links_and_objects_are_found_at_any_depth() {
        let action = [record(0, INTERACTION, &[0, 0, 0, 0, 0, 0, 0, 0, 2, 0]), record(0x20, STRING, &wide("calc.exe"))];
        let link = record(0xf, LINK, &record(0x10, STRING, &wide("http://example.org/")));
        let data = [
            record(0xf, 1000, &record(0xf, 1001, &record(0, CHARACTERS, &wide("Grüße")))),
            record(0, BYTES, b"plain"),
            action.concat(),
            link,
            record(0x10, OBJECT, b"\x05\0\0\0packed"),
            record(0, OBJECT, b"bare"),
        ]
        .concat();
        let (mut views, mut objects) = (Views::default(), Vec::new());
        read(&data, &mut views, &mut objects);
        assert_eq!(objects, [(Some(5), b"packed".to_vec()), (None, b"bare".to_vec())]);
        let mut expected = Views::default();
        expected.act(Active::Launch, None, "calc.exe".to_owned());
        expected.text.push("Grüße\nplain\n<http://example.org/>\n", false);
        assert_eq!(format!("{views:?}"), format!("{expected:?}"));
    }

    #[test]
    fn lists_of_parts_are_bounded_by_their_bytes() {
        let list = [0x0020_0003_u32, 10, 20, 0xfff0_0009, 30].map(u32::to_le_bytes).concat();
        assert_eq!(parts(&list), [(3, 10), (4, 20), (9, 30)]);
    }
}
