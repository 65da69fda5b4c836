//! Items of Outlook (`.msg`, MS-OXMSG): bodies, head, and attachments, which may be items themselves.
//!
//! Each property is a stream whose name says what it is and of which type. An embedded item is a member
//! that holds its own parts. Limits: [`MAX_PARTS`], [`MAX_DEPTH`], [`MAX_FIELD`], and the budget. Not
//! handled: recipients one by one (the head names them).

use mail::evidence::{Active, FileKind, Role, UnscannedReason};
use mail::untrusted::Untrusted;

use super::Step;
use super::cfb::Kind;
use super::text::{decode, utf16};
use super::work::{Work, name_of};
use crate::budget::{Budget, Meter};
use crate::bytes::{between, le16, le32, take};
use crate::container::Member;
use crate::decode::{self, Method};
use crate::names;

/// Most attachments of one item.
const MAX_PARTS: usize = 4096;
/// Most items in one another.
const MAX_DEPTH: u32 = 64;
/// Longest short text (a name, an address) in bytes.
const MAX_FIELD: u64 = 64 * 1024;
/// Streams of properties shorter than this, in bytes, are not given as they stand: there are dozens.
const MIN_PROPERTY: u64 = 64;
/// Starts the names of properties, and of attachments.
const PROPERTY: &str = "__substg1.0_";
const ATTACHMENT: &str = "__attach_version1.0_";
const PROPERTIES: &str = "__properties_version1.0";
/// Types of properties: text in UTF-16 or in a code page, bytes, an object.
const WIDE: u16 = 0x001f;
const NARROW: u16 = 0x001e;
const BYTES: u16 = 0x0102;
const OBJECT: u16 = 0x000d;
/// Properties (MS-OXPROPS).
const SUBJECT: u16 = 0x0037;
const HEAD: u16 = 0x007d;
const SENDER: u16 = 0x0c1a;
const SENDER_ADDRESS: u16 = 0x0c1f;
const TO: u16 = 0x0e04;
const BODY: u16 = 0x1000;
const RTF: u16 = 0x1009;
const HTML: u16 = 0x1013;
const NAME: u16 = 0x3001;
const DATA: u16 = 0x3701;
const SHORT_NAME: u16 = 0x3704;
const LONG_NAME: u16 = 0x3707;
const PATH: u16 = 0x370d;
const MEDIA_TYPE: u16 = 0x370e;
const CODE_PAGES: [u16; 2] = [0x3ffd, 0x3fde];
/// Compressed RTF: the length of its head, and the marks in it.
const RTF_HEAD: usize = 16;
const COMPRESSED: u32 = 0x7546_5a4c;
const STORED: u32 = 0x414c_454d;

/// Whether a file is such an item.
pub(crate) fn is_item(work: &Work<'_>) -> bool {
    work.cfb.find(0, PROPERTIES).is_some()
}

/// One item: the storage it is in, the member that holds it, and how deep it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) storage: u32,
    pub(crate) parent: Option<u32>,
    pub(crate) depth: u32,
}

/// Gives an item's bodies and head, and plans its attachments.
pub(crate) fn item(item: Item, work: &mut Work<'_>) {
    let page = code_page(item.storage, work);
    let field = |id, work: &mut Work<'_>| text(item.storage, id, page, work).unwrap_or_default();
    let lines = [("Subject", SUBJECT), ("From", SENDER), ("From", SENDER_ADDRESS), ("To", TO)];
    let mut shown = String::new();
    for (label, id) in lines {
        let value = field(id, work);
        if !value.is_empty() {
            shown.push_str(&format!("{label}: {value}\n"));
        }
    }
    shown.push_str(&field(BODY, work));
    let head = field(HEAD, work);
    work.part(
        item,
        Member { role: Role::Text, kind: Some(FileKind::Text), content: shown.into(), ..Member::default() },
    );
    let name = name_of("head");
    work.part(
        item,
        Member { name, role: Role::Text, kind: Some(FileKind::Text), content: head.into(), ..Member::default() },
    );
    html(item, page, work);
    rtf(item, work);
    paths(item.storage, work);
    quiet(item.storage, work);
    attachments(item, page, work);
}

impl Work<'_> {
    /// Gives a part of an item, unless it is empty.
    fn part(&mut self, item: Item, member: Member) {
        if !member.content.is_empty() {
            let consumed = member.content.len() as u64;
            self.give(Member { parent: item.parent, ..member }, consumed);
        }
    }
}

/// A property's stream or storage.
fn find(storage: u32, id: u16, kind: u16, work: &Work<'_>) -> Option<u32> {
    work.cfb.find(storage, &format!("{PROPERTY}{id:04X}{kind:04X}"))
}

/// A property's text.
fn text(storage: u32, id: u16, page: u32, work: &mut Work<'_>) -> Option<String> {
    let (number, wide) = match find(storage, id, WIDE, work) {
        Some(number) => (number, true),
        None => (find(storage, id, NARROW, work)?, false),
    };
    let bytes = work.read(number).bytes;
    work.made.taken.insert(number);
    let text = if wide { utf16(&bytes) } else { decode(&bytes, page) };
    Some(text.trim_end_matches('\0').to_owned())
}

/// The code page of an item's texts, from its properties of fixed size.
fn code_page(storage: u32, work: &mut Work<'_>) -> u32 {
    let bytes = work.read_named(storage, PROPERTIES).unwrap_or_default().bytes;
    // Heads are of 32, 24 or 8 bytes, entries of 16; a wrong guess of the head finds no property.
    let entries = bytes.get(8..).unwrap_or(&[]).chunks_exact(8);
    let mut words = entries.clone().zip(entries.skip(1));
    let found =
        words.find(|(tag, _)| le16(tag, 0) == Some(3) && le16(tag, 2).is_some_and(|id| CODE_PAGES.contains(&id)));
    found.and_then(|(_, value)| le32(value, 0)).filter(|page| *page > 0).unwrap_or(1252)
}

/// The body in HTML: bytes, or a text.
fn html(item: Item, page: u32, work: &mut Work<'_>) {
    let content = match find(item.storage, HTML, BYTES, work) {
        Some(number) => {
            work.made.taken.insert(number);
            work.read(number).bytes
        }
        None => text(item.storage, HTML, page, work).unwrap_or_default().into_bytes(),
    };
    work.part(item, Member { name: name_of("body.html"), content, ..Member::default() });
}

/// The body in RTF, compressed (MS-OXRTFCP).
fn rtf(item: Item, work: &mut Work<'_>) {
    let Some(number) = find(item.storage, RTF, BYTES, work) else { return };
    let bytes = work.read(number).bytes;
    let Some(method) = rtf_method(&bytes) else { return };
    let member = Member { name: name_of("body.rtf"), parent: item.parent, ..Member::default() };
    work.decoded(member, method, between(&bytes, RTF_HEAD, bytes.len()), le32(&bytes, 4));
}

fn rtf_method(bytes: &[u8]) -> Option<Method> {
    match le32(bytes, 8) {
        Some(COMPRESSED) => Some(Method::CompressedRtf),
        Some(STORED) => Some(Method::Stored),
        _ => None,
    }
}

/// The text that a stream with a body in RTF holds, as far as the budget goes; `None` for what is no such
/// stream. The stream is called `__substg1.0_10090102`.
pub fn rich_text(stream: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
    let method = rtf_method(stream)?;
    let mut meter = Meter::new(stream.len() as u64);
    Some(decode::decode(method, between(stream, RTF_HEAD, stream.len()), budget, &mut meter).content)
}

/// Notes texts of properties that are paths to another machine: opening a reminder's sound by such a
/// path gives away the reader's password (CVE-2023-23397), and so does an attachment by reference.
fn paths(storage: u32, work: &mut Work<'_>) {
    let wide = format!("{WIDE:04X}");
    let all = work.cfb.children(storage).filter(|(_, entry)| {
        entry.name.starts_with(PROPERTY) && entry.name.ends_with(&wide) && entry.size <= MAX_FIELD
    });
    let numbers: Vec<u32> = all.map(|(number, _)| number).collect();
    for number in numbers {
        // A look at the start is enough for nearly all of them.
        let bytes = work.read(number).bytes;
        if take(&bytes, 0, 4) == Some(b"\\\0\\\0") {
            let path = utf16(&bytes);
            work.active(Active::OpenUri, "path", path.trim_end_matches('\0').to_owned());
        }
    }
}

/// The small properties are not given one by one.
fn quiet(storage: u32, work: &mut Work<'_>) {
    let small = work
        .cfb
        .children(storage)
        .filter(|(_, entry)| entry.kind == Kind::Stream && entry.size < MIN_PROPERTY && entry.name.starts_with("__"));
    work.made.taken.extend(small.map(|(number, _)| number));
}

fn attachments(item: Item, page: u32, work: &mut Work<'_>) {
    let all = work
        .cfb
        .children(item.storage)
        .filter(|(_, entry)| entry.kind == Kind::Storage && entry.name.to_ascii_lowercase().starts_with(ATTACHMENT));
    let numbers: Vec<u32> = all.map(|(number, _)| number).collect();
    if numbers.len() > MAX_PARTS {
        work.problem(UnscannedReason::LimitObjects);
    }
    for storage in numbers.into_iter().take(MAX_PARTS).rev() {
        work.made.steps.push_front(Step::Attachment(Item { storage, ..item }, page));
    }
}

/// Gives one attachment.
pub(crate) fn attachment(item: Item, page: u32, work: &mut Work<'_>) {
    let storage = item.storage;
    let field = |id, work: &mut Work<'_>| text(storage, id, page, work).unwrap_or_default();
    let all = [LONG_NAME, SHORT_NAME, NAME].map(|id| field(id, work));
    let (name, other_names) = names::split(all);
    let declared = Some(field(MEDIA_TYPE, work).to_lowercase()).filter(|kind| !kind.is_empty()).map(Untrusted::new);
    paths(storage, work);
    let path = field(PATH, work);
    let mut member = Member { name, other_names, declared, attachment: true, parent: item.parent, ..Member::default() };
    if let Some(number) = find(storage, DATA, BYTES, work) {
        let stream = work.read(number);
        work.made.taken.insert(number);
        if !stream.whole {
            member.problem(UnscannedReason::Damaged);
        }
        let consumed = stream.bytes.len() as u64;
        work.give(Member { content: stream.bytes, ..member }, consumed);
    } else if let Some(inner) = find(storage, DATA, OBJECT, work) {
        // An item; any other object's streams are read like those of any compound file.
        if work.cfb.find(inner, PROPERTIES).is_some() {
            embedded(Item { storage: inner, ..item }, member, work);
        }
    } else if !path.is_empty() {
        work.active(Active::OpenUri, "attachment", path);
    }
    quiet(storage, work);
}

/// Gives an item in an item, and plans what it holds.
fn embedded(item: Item, member: Member, work: &mut Work<'_>) {
    if item.depth >= MAX_DEPTH {
        return work.problem(UnscannedReason::LimitDepth);
    }
    let page = code_page(item.storage, work);
    let subject = text(item.storage, SUBJECT, page, work).unwrap_or_default();
    let head = text(item.storage, HEAD, page, work).unwrap_or_default();
    let content = if head.is_empty() { format!("Subject: {subject}\n") } else { head }.into_bytes();
    let name = member.name.clone().or_else(|| name_of(&subject));
    let consumed = content.len() as u64;
    let index = work.give(Member { name, kind: Some(FileKind::Message), content, ..member }, consumed);
    let inner = Item { parent: Some(index), depth: item.depth.saturating_add(1), ..item };
    work.made.steps.push_front(Step::Item(inner));
}
