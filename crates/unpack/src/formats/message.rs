//! An Internet message (RFC 5322, MIME) as a container: every part, the multiparts and nested
//! messages included, in the order and as the tree of its first reading; then the leaves that only
//! other readings have, as hidden members below the part that is read in another way.
//!
//! A nested message comes as a member of kind [`FileKind::Message`] with its raw bytes, and its parts
//! follow as members below it, so it is not to be opened again. What stands behind its header comes as a hidden
//! member besides where it is an archive or a PDF: programs that go by a name open it as that. Limits: those of
//! [`mail::graph`] and the budget; [`MAX_DEFECTS`].

use mail::defect::{Ambiguity, Defect, DefectCode};
use mail::evidence::{FileKind, UnscannedReason};
use mail::graph::{self, BufferId, Encoding, Entity, EntityId, Recode, Shape};
use mail::header;
use mail::span::Span;
use mail::transfer;
use mail::untrusted::Untrusted;

use crate::budget::{Budget, Meter};
use crate::bytes::between;
use crate::container::{Container, Member};
use crate::formats::{packed, pdf, several, zip};
use crate::names;
use crate::passwords::{Hint, MAX_BODY, Place};

/// Most defects of one part that are told.
const MAX_DEFECTS: usize = 64;
/// How much of a subject is read for a password, in bytes.
const MAX_SUBJECT: usize = 4096;
/// How much work a part is, in fuel, beside its bytes.
const PART_FUEL: u64 = 256;

/// A part: what is known without its content, and where that is.
struct Part {
    member: Member,
    id: EntityId,
    buffer: BufferId,
    body: Span,
    encoding: Encoding,
    recode: Recode,
}

/// A message.
pub(crate) struct Message {
    /// The parts still to come, the next one last.
    parts: Vec<Part>,
    /// Nested messages in which another file stands, to be given when all parts are.
    files: Vec<Member>,
    /// The number of the first of them.
    next: u32,
    /// Decoded bodies that parts stand in: what a message with a transfer encoding holds.
    buffers: Vec<(BufferId, Vec<u8>)>,
    meter: Meter,
    /// How many bytes may still be checked of what looks like the head of an archive in a nested message.
    left: u64,
    problems: Vec<UnscannedReason>,
    ambiguity: Ambiguity,
}

impl Message {
    pub(crate) fn open(data: &[u8], budget: &Budget) -> Self {
        let defaults = graph::Limits::default();
        let limits = graph::Limits { entities: defaults.entities.min(budget.limits().objects), ..defaults };
        let message = graph::parse(data, &limits);
        hint(&message, budget);
        let mut numbers: Vec<Option<u32>> = vec![None; message.len()];
        let mut parts = Vec::new();
        let mut buffers: Vec<(BufferId, Vec<u8>)> = Vec::new();
        let others = message.leaves().filter(|id| message.entity(*id).is_some_and(|entity| !entity.primary));
        for (id, index) in message.primary().chain(others).zip(0_u32..) {
            let Some(entity) = message.entity(id) else { continue };
            if let Some(number) = numbers.get_mut(id.0 as usize) {
                *number = Some(index);
            }
            let parent = holder(&message, entity, &numbers);
            if entity.buffer != BufferId(0) && buffers.iter().all(|(known, _)| *known != entity.buffer) {
                buffers.push((entity.buffer, message.buffer(entity.buffer).to_vec()));
            }
            parts.push(part(id, index, parent, entity));
        }
        add_defects(&mut parts, message.defects());
        let problems = if message.defects().iter().any(|defect| defect.code == DefectCode::LimitReached) {
            let full = message.len() as u64 >= u64::from(limits.entities);
            vec![if full { UnscannedReason::LimitObjects } else { UnscannedReason::LimitDepth }]
        } else {
            Vec::new()
        };
        parts.reverse();
        Self {
            next: u32::try_from(parts.len()).unwrap_or(u32::MAX),
            parts,
            files: Vec::new(),
            buffers,
            meter: Meter::new(data.len() as u64),
            left: packed::allowed(data),
            problems,
            ambiguity: message.ambiguity(),
        }
    }
}

/// Keeps what may tell a password, where the message holds more than text.
fn hint(message: &graph::Message<'_>, budget: &Budget) {
    let is_text = |entity: &&Entity| entity.media.starts_with("text/");
    if message.leaves().filter_map(|id| message.entity(id)).all(|entity| is_text(&entity)) {
        return;
    }
    for id in message.primary() {
        let Some(entity) = message.entity(id) else { continue };
        if let Some(subject) = message.header(id, "subject") {
            budget.hint_subject(&header::decode_words(between(&subject, 0, MAX_SUBJECT)));
        }
        for name in &entity.names {
            budget.hint_name(name.raw());
        }
        if entity.is_leaf() && is_text(&entity) {
            let body = entity.body.of(message.buffer(entity.buffer));
            budget.hint(Hint {
                place: Place::Body,
                bytes: between(body, 0, MAX_BODY).to_vec(),
                encoding: entity.encoding,
                recode: entity.recode,
                charset: entity.charset.clone(),
                html: entity.media == "text/html",
            });
        }
    }
}

/// The number of the part that holds an entity: the nearest one above it that is a container in the
/// first reading.
fn holder(message: &graph::Message<'_>, entity: &Entity, numbers: &[Option<u32>]) -> Option<u32> {
    let mut above = entity.parent;
    // Parents come before their children, so this ends.
    while let Some(id) = above {
        let parent = message.entity(id)?;
        if let Some(number) = numbers.get(id.0 as usize).copied().flatten().filter(|_| !parent.is_leaf()) {
            return Some(number);
        }
        above = parent.parent;
    }
    None
}

/// What is known of a part without its content.
fn part(id: EntityId, index: u32, parent: Option<u32>, entity: &Entity) -> Part {
    let (name, other_names) = names::split(entity.names.iter().map(|name| name.raw().clone()));
    let kind = match entity.readings.first().map(|reading| reading.shape) {
        Some(Shape::Multipart) => Some(FileKind::Multipart),
        Some(Shape::Message) => Some(FileKind::Message),
        _ => None,
    };
    let member = Member {
        index,
        parent,
        part: names::cut(entity.part.clone()),
        name,
        other_names,
        declared: Some(Untrusted::new(names::cut(entity.media.clone()))),
        attachment: entity.is_attachment(),
        kind,
        entity: (entity.buffer == BufferId(0) && entity.primary).then_some(id),
        hidden: !entity.primary,
        ..Member::default()
    };
    Part { member, id, buffer: entity.buffer, body: entity.body, encoding: entity.encoding, recode: entity.recode }
}

/// Gives each part its defects.
fn add_defects(parts: &mut [Part], defects: &[Defect]) {
    let mut places: Vec<(EntityId, usize)> = parts.iter().enumerate().map(|(at, part)| (part.id, at)).collect();
    places.sort_unstable();
    for defect in defects {
        let Ok(found) = places.binary_search_by_key(&defect.entity, |place| place.0) else { continue };
        let part = places.get(found).and_then(|place| parts.get_mut(place.1));
        if let Some(part) = part.filter(|part| part.member.defects.len() < MAX_DEFECTS) {
            part.member.defects.push(*defect);
        }
    }
}

impl Container for Message {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        let Some(part) = self.parts.pop() else { return self.files.pop() };
        if let Some(limit) = budget.exhausted() {
            self.parts.clear();
            self.files.clear();
            self.problems.push(limit.into());
            return None;
        }
        let buffer = if part.buffer == BufferId(0) {
            data
        } else {
            self.buffers.iter().find(|(id, _)| *id == part.buffer).map_or(&[][..], |(_, bytes)| bytes)
        };
        let member = read(part, buffer, budget, &mut self.meter);
        if let Some(file) = file_in(&member, self.next, &mut self.left, budget, &mut self.meter) {
            self.files.push(file);
            self.next = self.next.saturating_add(1);
        }
        if self.parts.is_empty() {
            self.files.reverse();
        }
        Some(member)
    }

    fn ambiguity(&self) -> Ambiguity {
        self.ambiguity
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

/// What stands behind the header of a nested message, if other programs would take the whole for an archive or a
/// PDF with something in front. `left`: how many bytes of heads may still be checked for that.
fn file_in(member: &Member, index: u32, left: &mut u64, budget: &mut Budget, meter: &mut Meter) -> Option<Member> {
    let content = Some(&member.content).filter(|_| member.kind == Some(FileKind::Message))?;
    let ends = [&b"\n\r\n"[..], b"\n\n"].map(|end| Some(memchr::memmem::find(content, end)?.saturating_add(end.len())));
    let rest = between(content, ends.into_iter().flatten().min()?, content.len());
    let (packed, more) = several::first_packed(rest, left);
    let hides = zip::has_directory(rest)
        || packed.is_some()
        || more
        || several::find_zip(content, &|_| true).is_some()
        || pdf::starts_late(content);
    if !hides {
        return None;
    }
    let mut file = Member {
        index,
        parent: Some(member.index),
        name: member.name.clone(),
        other_names: member.other_names.clone(),
        hidden: true,
        ..Member::default()
    };
    if more {
        file.problem(UnscannedReason::LimitObjects);
    }
    match budget.produce(meter, rest.len() as u64, rest.len() as u64) {
        Ok(()) => file.content = rest.to_vec(),
        Err(limit) => file.problem(limit.into()),
    }
    Some(file)
}

/// Decodes a part's content.
fn read(part: Part, buffer: &[u8], budget: &mut Budget, meter: &mut Meter) -> Member {
    let mut member = part.member;
    if member.kind == Some(FileKind::Multipart) {
        return member;
    }
    let body = part.body.of(buffer);
    meter.next_object();
    if let Err(limit) = budget.burn(PART_FUEL.saturating_add(body.len() as u64)) {
        member.problem(limit.into());
        return member;
    }
    // No transfer encoding gives more than it takes, so nothing here can be a bomb by itself.
    let most = budget.bytes_left().min(budget.limits().object_bytes);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let decoded = transfer::decode_text(part.encoding, part.recode, body, most);
    if decoded.cut {
        member.problem(UnscannedReason::LimitBytes);
    }
    if let Err(limit) = budget.produce(meter, decoded.bytes.len() as u64, body.len() as u64) {
        member.problem(limit.into());
        return member;
    }
    for (code, span) in decoded.defects {
        let shift = |at: u32| part.body.start.saturating_add(at);
        let span = Span { start: shift(span.start), end: shift(span.end) };
        let defect = Defect { code, entity: part.id, span };
        if member.defects.len() < MAX_DEFECTS && !member.defects.contains(&defect) {
            member.defects.push(defect);
        }
    }
    member.content = decoded.bytes;
    member
}
