//! A parsed message: the raw bytes, the arena, and what can be asked of them.

use std::borrow::Cow;

use super::{BufferId, Encoding, Entity, EntityId, Field, Recode};
use crate::defect::{Ambiguity, Defect};
use crate::evidence::{Facts, MAX_NAMED, Named};
use crate::header;
use crate::span::Span;
use crate::transfer;
use crate::untrusted::Untrusted;

/// Longest fact, in bytes.
pub const MAX_FACT: usize = 1024;
/// How much of a field is decoded for a fact.
const MAX_FACT_SOURCE: usize = 64 * 1024;

/// What a parse made, apart from the raw bytes.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) entities: Vec<Entity>,
    pub(super) fields: Vec<Field>,
    /// Buffers from number 1 on.
    pub(super) buffers: Vec<Vec<u8>>,
    pub(super) defects: Vec<Defect>,
    pub(super) ambiguity: Ambiguity,
}

/// A message: its bytes and the graph over them.
pub struct Message<'a> {
    pub(super) raw: &'a [u8],
    pub(super) graph: Graph,
}

/// The decoded body of an entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content<'m> {
    /// The bytes; borrowed where nothing had to be decoded.
    pub bytes: Cow<'m, [u8]>,
    /// What was wrong with the encoding; [`Message::defects`] does not have these.
    pub defects: Vec<Defect>,
    /// Whether there was more than was asked for.
    pub cut: bool,
}

impl<'a> Message<'a> {
    /// The bytes as they came.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// One entity.
    pub fn entity(&self, id: EntityId) -> Option<&Entity> {
        self.graph.entities.get(id.0 as usize)
    }

    /// Number of entities of all readings; at least one.
    #[allow(clippy::len_without_is_empty)] // a message is never without its root
    pub fn len(&self) -> usize {
        self.graph.entities.len()
    }

    /// The tree of the strict readings, parents before children, in the order of the message.
    pub fn primary(&self) -> Primary<'_> {
        Primary { entities: &self.graph.entities, stack: vec![EntityId(0)] }
    }

    /// Every entity of every reading, each once: those of the strict tree first in the arena, then the
    /// others as they were found.
    pub fn all(&self) -> impl Iterator<Item = EntityId> {
        (0..u32::try_from(self.graph.entities.len()).unwrap_or(u32::MAX)).map(EntityId)
    }

    /// Every leaf of every reading, each once: those of the strict tree in the order of the message,
    /// then the others as they were found, without empty ones.
    pub fn leaves(&self) -> Leaves<'_> {
        Leaves { primary: self.primary(), entities: &self.graph.entities, next: 0 }
    }

    /// The children in the strict reading.
    pub fn children(&self, id: EntityId) -> &[EntityId] {
        self.entity(id).and_then(|entity| entity.readings.first()).map_or(&[], |reading| &reading.children)
    }

    /// A buffer; empty for a number that does not exist.
    pub fn buffer(&self, id: BufferId) -> &[u8] {
        match id.0.checked_sub(1) {
            None => self.raw,
            Some(at) => self.graph.buffers.get(at as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// Whether an entity is a part of a multipart with a delimiter behind it, so that a part can be put
    /// there.
    pub fn is_followed(&self, id: EntityId) -> bool {
        self.entity(id).and_then(|entity| entity.slot).is_some_and(|slot| slot.followed)
    }

    /// An entity's body, transfer decoding undone, at most `max` bytes of it. An entity that does not
    /// exist is empty.
    pub fn content(&self, id: EntityId, max: usize) -> Content<'_> {
        let Some(entity) = self.entity(id) else {
            return Content { bytes: Cow::Borrowed(&[]), defects: Vec::new(), cut: false };
        };
        let body = entity.body.of(self.buffer(entity.buffer));
        if matches!(entity.encoding, Encoding::Identity | Encoding::Unknown) && entity.recode == Recode::None {
            let kept = body.get(..max).unwrap_or(body);
            return Content { bytes: Cow::Borrowed(kept), defects: Vec::new(), cut: kept.len() < body.len() };
        }
        let decoded = transfer::decode_text(entity.encoding, entity.recode, body, max);
        let place = |span: Span| Span {
            start: span.start.saturating_add(entity.body.start),
            end: span.end.saturating_add(entity.body.start),
        };
        let defects = decoded.defects.iter().map(|(code, span)| Defect { code: *code, entity: id, span: place(*span) });
        Content { defects: defects.collect(), bytes: Cow::Owned(decoded.bytes), cut: decoded.cut }
    }

    /// An entity's header fields, in order. Their spans lie in its buffer.
    pub fn fields(&self, id: EntityId) -> &[Field] {
        let Some(entity) = self.entity(id) else { return &[] };
        let (from, to) = entity.fields;
        self.graph.fields.get(from as usize..to as usize).unwrap_or(&[])
    }

    /// The value of an entity's first field of a name (in any case), unfolded and trimmed.
    pub fn header(&self, id: EntityId, name: &str) -> Option<Cow<'_, [u8]>> {
        let buffer = self.buffer(self.entity(id)?.buffer);
        let field = self.fields(id).iter().find(|field| field.name_is(buffer, name))?;
        Some(header::unfold(field.value.of(buffer)))
    }

    /// What is wrong with the message's structure, sorted by entity and place. What is wrong with an
    /// encoded body shows only when it is decoded ([`Content::defects`]).
    pub fn defects(&self) -> &[Defect] {
        &self.graph.defects
    }

    /// The worst of the defects, those included that were too many to keep.
    pub fn ambiguity(&self) -> Ambiguity {
        self.graph.ambiguity
    }

    /// What the top header says, decoded, each fact cut to [`MAX_FACT`] bytes.
    pub fn facts(&self) -> Facts {
        Facts {
            subject: self.fact("subject"),
            from: self.fact("from"),
            to: self.fact("to"),
            cc: self.fact("cc"),
            date: self.fact("date"),
            message_id: self.fact("message-id"),
            authors: self.authors(),
            hosts: Vec::new(),
            urls: Vec::new(),
            pictures: Vec::new(),
            addresses: Vec::new(),
        }
    }

    /// Everybody whom a From field names, the first ones. Split first and decoded then: an encoded word is
    /// never an address. What is long is cut, and never what stands behind it.
    fn authors(&self) -> Vec<Named> {
        let buffer = self.raw();
        let fields = self.fields(EntityId(0)).iter().filter(|field| field.name_is(buffer, "from"));
        let decoded = |text: &str| cut(header::decode_words(text.as_bytes()));
        let named = fields.flat_map(|field| header::mailboxes(field.value.of(buffer)).list);
        let named = named.map(|found| Named {
            name: decoded(&found.name),
            comment: decoded(&found.comment),
            address: cut(found.address),
        });
        named.take(MAX_NAMED).collect()
    }

    fn fact(&self, name: &str) -> Option<Untrusted<String>> {
        let value = self.header(EntityId(0), name)?;
        Some(cut(header::decode_words(value.get(..MAX_FACT_SOURCE).unwrap_or(&value))))
    }

    /// The message's own line end: CRLF if its first line ends so, or none does; else LF.
    pub fn line_end(&self) -> &'static [u8] {
        match memchr::memchr(b'\n', self.raw) {
            Some(at) if at.checked_sub(1).and_then(|at| self.raw.get(at)) != Some(&b'\r') => b"\n",
            _ => b"\r\n",
        }
    }
}

/// A fact of at most [`MAX_FACT`] bytes.
fn cut(mut text: String) -> Untrusted<String> {
    text.truncate(text.floor_char_boundary(MAX_FACT));
    Untrusted::new(text)
}

/// Entities of the strict tree in pre-order ([`Message::primary`]).
pub struct Primary<'m> {
    entities: &'m [Entity],
    stack: Vec<EntityId>,
}

/// Leaves of all readings ([`Message::leaves`]).
pub struct Leaves<'m> {
    primary: Primary<'m>,
    entities: &'m [Entity],
    next: usize,
}

impl Iterator for Leaves<'_> {
    type Item = EntityId;

    fn next(&mut self) -> Option<EntityId> {
        let is_leaf = |id: EntityId| self.entities.get(id.0 as usize).is_some_and(Entity::is_leaf);
        if let Some(id) = self.primary.by_ref().find(|id| is_leaf(*id)) {
            return Some(id);
        }
        loop {
            let entity = self.entities.get(self.next)?;
            let id = EntityId(u32::try_from(self.next).unwrap_or(u32::MAX));
            self.next = self.next.saturating_add(1);
            if !entity.primary && entity.is_leaf() && !entity.body.is_empty() {
                return Some(id);
            }
        }
    }
}

impl Iterator for Primary<'_> {
    type Item = EntityId;

    fn next(&mut self) -> Option<EntityId> {
        let id = self.stack.pop()?;
        let readings = self.entities.get(id.0 as usize).map(|entity| entity.readings.as_slice());
        if let Some(reading) = readings.and_then(<[_]>::first) {
            self.stack.extend(reading.children.iter().rev());
        }
        Some(id)
    }
}
