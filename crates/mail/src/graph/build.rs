//! The arena while it grows, the queue of bodies that must be decoded before they can be read, and
//! what is to be asked about other readings when the strict one is done.

use std::collections::{BTreeMap, VecDeque};

use super::head::Candidate;
use super::message::{Graph, Message};
use super::readings::{self, Ask};
use super::scan::Scan;
use super::{BufferId, Encoding, Entity, EntityId, Field, Limits, MAX_DEFECTS, Reading, Recode, Shape, Slot};
use crate::defect::{Defect, DefectCode};
use crate::span::{MAX_BUFFER, Span};
use crate::transfer::{self, embedded};

/// A container that stands encoded in its buffer.
pub(super) struct Job {
    pub(super) entity: EntityId,
    pub(super) candidate: Candidate,
}

/// The parse in progress.
pub(super) struct Builder<'a, 'l> {
    pub(super) limits: &'l Limits,
    pub(super) graph: Graph,
    pub(super) queue: VecDeque<Job>,
    raw: &'a [u8],
    /// What makes other readings likely, where it was met.
    pub(super) asks: Vec<(EntityId, Ask)>,
    /// Lines that are no fields, but would be with their blanks and controls taken out.
    pub(super) hidden_fields: Vec<(EntityId, Field)>,
    /// Whether another reading is tried: nothing is noted then.
    pub(super) trying: bool,
    /// Whether a limit was met while trying.
    pub(super) cut: bool,
    /// Most entities at present.
    pub(super) most_entities: usize,
    /// The codes noted of each entity, as bits.
    noted: Vec<u64>,
    /// Bytes that may still be decoded.
    decoded_left: u64,
    /// The buffers of bodies that were decoded.
    decoded: BTreeMap<(BufferId, Span, Encoding), BufferId>,
}

/// See [`super::parse`].
pub(super) fn parse<'a>(raw: &'a [u8], limits: &Limits) -> Message<'a> {
    let seen = raw.get(..MAX_BUFFER).unwrap_or(raw);
    let mut builder = Builder {
        limits,
        graph: Graph::default(),
        queue: VecDeque::new(),
        raw: seen,
        asks: Vec::new(),
        hidden_fields: Vec::new(),
        trying: false,
        cut: false,
        most_entities: limits.entities as usize,
        noted: Vec::new(),
        decoded_left: limits.decoded_bytes,
        decoded: BTreeMap::new(),
    };
    let root = builder.add(None, BufferId::RAW, 0, None);
    if seen.len() < raw.len() {
        builder.note(root, DefectCode::LimitReached, Span::new(seen.len(), seen.len()));
    }
    Scan::new(&mut builder, seen, BufferId::RAW).run_message(root);
    builder.decode_all();
    readings::expand(&mut builder);
    let mut graph = builder.graph;
    graph.defects.sort_unstable_by_key(|defect| (defect.entity, defect.span, defect.code));
    Message { raw, graph }
}

impl Builder<'_, '_> {
    /// Whether [`Builder::add`] would pass the limit after the next one.
    pub(super) fn is_last(&self) -> bool {
        self.graph.entities.len().saturating_add(1) >= self.most_entities
    }

    /// Whether no entity may be added any more.
    pub(super) fn is_full(&self) -> bool {
        self.graph.entities.len() >= self.most_entities
    }

    /// Adds an entity that begins at `start`, as a leaf without a media type, and hangs it under its parent.
    pub(super) fn add(
        &mut self,
        parent: Option<EntityId>,
        buffer: BufferId,
        start: usize,
        slot: Option<Slot>,
    ) -> EntityId {
        let id = EntityId(u32::try_from(self.graph.entities.len()).unwrap_or(u32::MAX));
        let at = Span::new(start, start);
        let mut entity = Entity {
            parent,
            buffer,
            whole: at,
            header: at,
            body: at,
            part: String::new(),
            media: String::new(),
            encoding: Encoding::Identity,
            charset: None,
            names: Vec::new(),
            disposition: None,
            depth: 0,
            primary: !self.trying,
            recode: Recode::None,
            readings: vec![Reading { shape: Shape::Leaf, children: Vec::new() }],
            fields: (0, 0),
            slot,
            facet: false,
        };
        let in_multipart = entity.slot.is_some();
        if let Some(above) = parent.and_then(|parent| self.entity(parent)) {
            entity.depth = above.depth.saturating_add(1);
            if let Some(reading) = above.readings.first_mut() {
                reading.children.push(id);
                if in_multipart {
                    entity.part = join(&above.part, reading.children.len());
                }
            }
        }
        self.graph.entities.push(entity);
        self.noted.push(0);
        if !in_multipart {
            self.set_shape(id, Shape::Leaf);
        }
        id
    }

    /// The entity, to be changed.
    pub(super) fn entity(&mut self, id: EntityId) -> Option<&mut Entity> {
        self.graph.entities.get_mut(id.0 as usize)
    }

    /// Says what the strict reading takes an entity for. The number of a message depends on it.
    pub(super) fn set_shape(&mut self, id: EntityId, shape: Shape) {
        let above = self.entity(id).and_then(|entity| entity.parent);
        let prefix = above.and_then(|above| self.entity(above)).map(|above| above.part.clone()).unwrap_or_default();
        let Some(entity) = self.entity(id) else { return };
        if let Some(reading) = entity.readings.first_mut() {
            reading.shape = shape;
        }
        if entity.is_message_head() && !entity.facet {
            entity.part = if shape == Shape::Multipart { prefix } else { join(&prefix, 1) };
        }
    }

    /// Adds a facet of an entity: the same spans, as a leaf, in no reading yet.
    pub(super) fn add_facet(&mut self, of: EntityId) -> Option<EntityId> {
        let id = EntityId(u32::try_from(self.graph.entities.len()).unwrap_or(u32::MAX));
        let mut facet = self.entity(of)?.clone();
        facet.part = format!("{}~{}", facet.part, facet.readings.len());
        facet.parent = Some(of);
        facet.primary = false;
        facet.facet = true;
        facet.readings = vec![Reading { shape: Shape::Leaf, children: Vec::new() }];
        self.graph.entities.push(facet);
        self.noted.push(0);
        Some(id)
    }

    /// Puts an entity at the end of the arena.
    pub(super) fn push(&mut self, entity: Entity) {
        self.graph.entities.push(entity);
        self.noted.push(0);
    }

    /// Takes back all entities from `len` on.
    pub(super) fn truncate(&mut self, len: usize) {
        self.graph.entities.truncate(len);
        self.noted.truncate(len);
    }

    /// Asks for other readings of an entity.
    pub(super) fn ask(&mut self, entity: EntityId, ask: Ask) {
        self.asks.push((entity, ask));
    }

    /// Decodes what waits. Each job is an entity that gets its children once, so this ends.
    pub(super) fn decode_all(&mut self) {
        while let Some(job) = self.queue.pop_front() {
            self.decode(job);
        }
    }

    /// Records a defect: the first place of each code in each entity.
    pub(super) fn note(&mut self, entity: EntityId, code: DefectCode, span: Span) {
        if self.trying {
            self.cut |= code == DefectCode::LimitReached;
            return;
        }
        let bit = 1u64 << (code as u32 & 63);
        let Some(noted) = self.noted.get_mut(entity.0 as usize) else { return };
        if *noted & bit != 0 {
            return;
        }
        *noted |= bit;
        self.graph.ambiguity = self.graph.ambiguity.max(code.ambiguity());
        if self.graph.defects.len() < MAX_DEFECTS {
            self.graph.defects.push(Defect { code, entity, span });
        }
    }

    /// Decodes an encoded container into a buffer of its own and reads it there.
    fn decode(&mut self, job: Job) {
        let Some(entity) = self.graph.entities.get(job.entity.0 as usize) else { return };
        let (buffer, encoding, body) = (entity.buffer, entity.encoding, entity.body);
        let source = body.of(self.bytes(buffer));
        let damaged = match encoding {
            Encoding::Base64 => !transfer::is_clean_base64(source),
            Encoding::QuotedPrintable => transfer::is_damaged_quoted_printable(source),
            _ => false,
        };
        // Another reading may decode what is not encoded; its damage says nothing where it was decoded before.
        if damaged && (!self.trying || buffer == BufferId::RAW) && !self.decoded.contains_key(&(buffer, body, encoding))
        {
            self.ask(job.entity, Ask::Damage);
        }
        if let Some(buffer) = self.decoded(job.entity, buffer, body, encoding) {
            self.with_buffer(buffer, |builder, bytes| Scan::new(builder, bytes, buffer).run_decoded(job));
        }
    }

    /// The buffer of a decoded body, made if it is not there; `None` and a defect where a limit is met.
    pub(super) fn decoded(
        &mut self,
        entity: EntityId,
        buffer: BufferId,
        body: Span,
        encoding: Encoding,
    ) -> Option<BufferId> {
        let key = (buffer, body, encoding);
        if let Some(known) = self.decoded.get(&key) {
            return Some(*known);
        }
        let max = usize::try_from(self.decoded_left).unwrap_or(usize::MAX).min(MAX_BUFFER);
        let decoded = transfer::decode(encoding, body.of(self.bytes(buffer)), max);
        if decoded.cut || self.is_full() {
            self.note(entity, DefectCode::LimitReached, body);
            return None;
        }
        self.decoded_left = self.decoded_left.saturating_sub(decoded.bytes.len() as u64);
        let made = BufferId(u32::try_from(self.graph.buffers.len().saturating_add(1)).unwrap_or(u32::MAX));
        self.graph.buffers.push(decoded.bytes);
        self.decoded.insert(key, made);
        Some(made)
    }

    /// Runs something that reads a buffer and changes the builder; the buffer is not in its place
    /// meanwhile.
    pub(super) fn with_buffer<T>(&mut self, buffer: BufferId, run: impl FnOnce(&mut Self, &[u8]) -> T) -> T {
        let Some(at) = buffer.0.checked_sub(1).map(|at| at as usize) else {
            let raw = self.raw;
            return run(self, raw);
        };
        let bytes = self.graph.buffers.get_mut(at).map(std::mem::take).unwrap_or_default();
        let result = run(self, &bytes);
        if let Some(place) = self.graph.buffers.get_mut(at) {
            *place = bytes;
        }
        result
    }

    /// Whether a facet is a file in a text that few clients look for: in an encoding of mail only, or with a
    /// first line that is hardly one.
    pub(super) fn is_bare(&self, facet: EntityId) -> bool {
        let Some(entity) = self.graph.entities.get(facet.0 as usize) else { return false };
        match entity.encoding {
            Encoding::Base64 | Encoding::QuotedPrintable => true,
            Encoding::Uuencode => embedded::is_doubtful(entity.body.of(self.bytes(entity.buffer))),
            _ => false,
        }
    }

    /// Whether an entity is a leaf that is not encoded.
    pub(super) fn is_plain_leaf(&self, id: EntityId) -> bool {
        let entity = self.graph.entities.get(id.0 as usize);
        entity.is_some_and(|it| it.is_leaf() && matches!(it.encoding, Encoding::Identity | Encoding::Unknown))
    }

    /// Whether an entity is a file in uuencode.
    pub(super) fn is_uuencode(&self, id: EntityId) -> bool {
        self.graph.entities.get(id.0 as usize).is_some_and(|entity| entity.encoding == Encoding::Uuencode)
    }

    /// Whether an entity stands in the raw bytes.
    pub(super) fn is_raw(&self, id: EntityId) -> bool {
        self.graph.entities.get(id.0 as usize).is_some_and(|entity| entity.buffer == BufferId::RAW)
    }

    /// A buffer that is in its place.
    pub(super) fn bytes(&self, buffer: BufferId) -> &[u8] {
        match buffer.0.checked_sub(1) {
            None => self.raw,
            Some(at) => self.graph.buffers.get(at as usize).map_or(&[][..], Vec::as_slice),
        }
    }

    /// The length of the raw bytes.
    pub(super) fn raw_len(&self) -> usize {
        self.raw.len()
    }
}

/// Appends a number to a part's number.
fn join(prefix: &str, number: usize) -> String {
    if prefix.is_empty() { number.to_string() } else { format!("{prefix}.{number}") }
}
