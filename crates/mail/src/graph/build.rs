//! The arena while it grows, and the queue of bodies that must be decoded before they can be read.

use std::collections::VecDeque;

use super::head::Candidate;
use super::message::{Graph, Message};
use super::scan::Scan;
use super::{BufferId, Encoding, Entity, EntityId, Limits, MAX_DEFECTS, Reading, Shape, Slot};
use crate::defect::{Defect, DefectCode};
use crate::span::{MAX_BUFFER, Span};
use crate::transfer;

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
    /// The codes noted of each entity, as bits.
    noted: Vec<u64>,
    /// Bytes that may still be decoded.
    decoded_left: u64,
}

/// See [`super::parse`].
pub(super) fn parse<'a>(raw: &'a [u8], limits: &Limits) -> Message<'a> {
    let seen = raw.get(..MAX_BUFFER).unwrap_or(raw);
    let mut builder = Builder {
        limits,
        graph: Graph::default(),
        queue: VecDeque::new(),
        raw: seen,
        noted: Vec::new(),
        decoded_left: limits.decoded_bytes,
    };
    let root = builder.add(None, BufferId::RAW, 0, None);
    if seen.len() < raw.len() {
        builder.note(root, DefectCode::LimitReached, Span::new(seen.len(), seen.len()));
    }
    Scan::new(&mut builder, seen, BufferId::RAW).run_message(root);
    // Each job is an entity that gets its children once, so this ends with the entities.
    while let Some(job) = builder.queue.pop_front() {
        builder.decode(job);
    }
    let mut graph = builder.graph;
    graph.defects.sort_unstable_by_key(|defect| (defect.entity, defect.span, defect.code));
    Message { raw, graph }
}

impl Builder<'_, '_> {
    /// Whether [`Builder::add`] would pass the limit after the next one.
    pub(super) fn is_last(&self) -> bool {
        self.graph.entities.len().saturating_add(1) >= self.limits.entities as usize
    }

    /// Whether no entity may be added any more.
    pub(super) fn is_full(&self) -> bool {
        self.graph.entities.len() >= self.limits.entities as usize
    }

    /// Adds an entity that begins at `start`, as a leaf, and hangs it under its parent.
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
            media: "text/plain".to_owned(),
            encoding: Encoding::Identity,
            charset: None,
            names: Vec::new(),
            disposition: None,
            depth: 0,
            readings: vec![Reading { shape: Shape::Leaf, children: Vec::new() }],
            fields: (0, 0),
            slot,
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
        if entity.is_message_head() {
            entity.part = if shape == Shape::Multipart { prefix } else { join(&prefix, 1) };
        }
    }

    /// Records a defect: the first place of each code in each entity.
    pub(super) fn note(&mut self, entity: EntityId, code: DefectCode, span: Span) {
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
        let (encoding, body) = (entity.encoding, entity.body);
        let source = match entity.buffer.0.checked_sub(1) {
            None => self.raw,
            Some(at) => self.graph.buffers.get(at as usize).map_or(&[][..], Vec::as_slice),
        };
        let max = usize::try_from(self.decoded_left).unwrap_or(usize::MAX).min(MAX_BUFFER);
        let decoded = match encoding {
            Encoding::Base64 => transfer::base64(body.of(source), max),
            _ => transfer::quoted_printable(body.of(source), max),
        };
        if decoded.cut || self.is_full() {
            self.note(job.entity, DefectCode::LimitReached, body);
            return;
        }
        self.decoded_left = self.decoded_left.saturating_sub(decoded.bytes.len() as u64);
        let buffer = BufferId(u32::try_from(self.graph.buffers.len().saturating_add(1)).unwrap_or(u32::MAX));
        Scan::new(self, &decoded.bytes, buffer).run_decoded(job);
        self.graph.buffers.push(decoded.bytes);
    }
}

/// Appends a number to a part's number.
fn join(prefix: &str, number: usize) -> String {
    if prefix.is_empty() { number.to_string() } else { format!("{prefix}.{number}") }
}
