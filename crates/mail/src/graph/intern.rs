//! Entities that another reading finds again are the ones that are known.
//!
//! A leaf is known by its buffer, span and decoding, a container by its children. What a try has added
//! at the end of the arena is compared from the last entity to the first, children before parents.
//! If no leaf with content is left over, the try has found nothing new and is taken back; else what
//! is left moves together. Linear in what the try added, but for the look-ups.

use std::collections::BTreeMap;

use super::build::Builder;
use super::{BufferId, Encoding, Entity, EntityId, Recode, Shape};
use crate::defect::DefectCode;
use crate::filename::Signs;
use crate::span::Span;
use crate::untrusted::Untrusted;

/// Most names that one entity has after others were added.
const MAX_NAMES: usize = 16;

/// What makes two entities the same.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    buffer: BufferId,
    body: Option<(Span, Encoding, Recode)>,
    shape: Shape,
    children: Vec<EntityId>,
}

/// The known entities.
pub(super) type Known = BTreeMap<Key, EntityId>;

fn key(entity: &Entity, children: Vec<EntityId>) -> Key {
    let shape = entity.shape();
    let encoding = match entity.encoding {
        Encoding::Unknown => Encoding::Identity,
        encoding => encoding,
    };
    let body = (shape == Shape::Leaf).then_some((entity.body, encoding, entity.recode));
    Key { buffer: entity.buffer, body, shape, children }
}

fn children(entity: &Entity) -> Vec<EntityId> {
    entity.readings.first().map(|reading| reading.children.clone()).unwrap_or_default()
}

/// The entities that are there now.
pub(super) fn known(builder: &Builder<'_, '_>) -> Known {
    let mut out = Known::new();
    for (at, entity) in builder.graph.entities.iter().enumerate() {
        let id = EntityId(u32::try_from(at).unwrap_or(u32::MAX));
        out.entry(key(entity, children(entity))).or_insert(id);
    }
    out
}

/// Whether a leaf with content that nobody knew was added from the entity `from` on.
pub(super) fn is_new(builder: &Builder<'_, '_>, known: &Known, from: usize) -> bool {
    let tail = builder.graph.entities.get(from..).unwrap_or(&[]);
    let is_new = |entity: &&Entity| !known.contains_key(&key(entity, Vec::new())) && holds_something(builder, entity);
    tail.iter().filter(|entity| entity.is_leaf()).any(|entity| is_new(&entity))
}

/// Whether more than blanks stands in an entity's body.
fn holds_something(builder: &Builder<'_, '_>, entity: &Entity) -> bool {
    !entity.body.of(builder.bytes(entity.buffer)).trim_ascii().is_empty()
}

/// Settles what was added from the entity `from` on, whose first one is a facet, and whose fields
/// begin at `fields`. Gives the bytes of the leaves that are new, and for each entity its new id, or
/// that of the one it is the same as: `None` in the place of what was known before. Nothing new: everything is taken back, and `None`.
pub(super) fn settle(
    builder: &mut Builder<'_, '_>,
    known: &mut Known,
    from: usize,
    fields: usize,
) -> Option<(u64, Vec<Option<EntityId>>)> {
    let tail = builder.graph.entities.get(from..).unwrap_or(&[]);
    let id_of = |at: usize| EntityId(u32::try_from(from.saturating_add(at)).unwrap_or(u32::MAX));
    let mut same: Vec<EntityId> = (0..tail.len()).map(id_of).collect();
    let mut fresh = Known::new();
    let mut bytes = 0u64;
    let mut merged: Vec<(EntityId, Vec<Untrusted<String>>)> = Vec::new();
    for (at, entity) in tail.iter().enumerate().rev() {
        let children = children(entity).into_iter().map(|child| map(&same, from, child)).collect();
        let key = key(entity, children);
        let found = known.get(&key).or_else(|| fresh.get(&key)).copied();
        match found {
            Some(found) => {
                if !entity.names.is_empty() {
                    merged.push((found, entity.names.clone()));
                }
                if let Some(place) = same.get_mut(at) {
                    *place = found;
                }
            }
            None => {
                if entity.is_leaf() && holds_something(builder, entity) {
                    bytes = bytes.saturating_add(entity.body.len() as u64);
                }
                fresh.insert(key, id_of(at));
            }
        }
    }
    for (id, names) in merged {
        merge_names(builder, id, names);
    }
    if bytes == 0 {
        builder.truncate(from);
        builder.graph.fields.truncate(fields);
        return None;
    }
    let ids = compact(builder, from, fields, &same);
    for (mut key, id) in fresh {
        key.children.iter_mut().for_each(|child| *child = renamed(&ids, from, *child));
        known.entry(key).or_insert_with(|| renamed(&ids, from, id));
    }
    let merged = (0..same.len()).map(|at| {
        let kept = (map(&same, from, id_of(at)).0 as usize).checked_sub(from)?;
        ids.get(kept).copied().flatten()
    });
    Some((bytes, merged.collect()))
}

fn map(same: &[EntityId], from: usize, id: EntityId) -> EntityId {
    (id.0 as usize).checked_sub(from).and_then(|at| same.get(at)).copied().unwrap_or(id)
}

fn renamed(ids: &[Option<EntityId>], from: usize, id: EntityId) -> EntityId {
    (id.0 as usize).checked_sub(from).and_then(|at| ids.get(at)).copied().flatten().unwrap_or(id)
}

/// Names that another reading gives to a known leaf.
fn merge_names(builder: &mut Builder<'_, '_>, id: EntityId, names: Vec<Untrusted<String>>) {
    let Some(entity) = builder.entity(id) else { return };
    let (span, mut deceives) = (entity.header, false);
    for name in names {
        if entity.names.len() < MAX_NAMES && !entity.names.contains(&name) {
            deceives |= Signs::of(name.raw()).any();
            entity.names.push(name);
        }
    }
    if deceives {
        builder.note(id, DefectCode::DeceptiveName, span);
    }
}

/// Moves what is new together. Gives the new id of each entity of the tail that stays.
fn compact(builder: &mut Builder<'_, '_>, from: usize, fields: usize, same: &[EntityId]) -> Vec<Option<EntityId>> {
    let tail = builder.graph.entities.split_off(from.min(builder.graph.entities.len()));
    builder.truncate(from);
    let old_fields = builder.graph.fields.split_off(fields.min(builder.graph.fields.len()));
    let mut next = from;
    let mut ids: Vec<Option<EntityId>> = Vec::with_capacity(tail.len());
    for (at, place) in same.iter().enumerate() {
        let stays = place.0 as usize == from.saturating_add(at);
        ids.push(stays.then(|| EntityId(u32::try_from(next).unwrap_or(u32::MAX))));
        next = next.saturating_add(usize::from(stays));
    }
    let new_id = |id: EntityId| renamed(&ids, from, map(same, from, id));
    for (entity, id) in tail.into_iter().zip(&ids) {
        if id.is_none() {
            continue;
        }
        let mut entity = entity;
        entity.parent = entity.parent.map(new_id);
        for reading in &mut entity.readings {
            reading.children.iter_mut().for_each(|child| *child = new_id(*child));
        }
        let (first, last) = entity.fields;
        // A facet may share the fields of its entity.
        if let Some(start) = (first as usize).checked_sub(fields) {
            let begin = builder.graph.fields.len();
            let own = old_fields.get(start..(last as usize).saturating_sub(fields)).unwrap_or(&[]);
            builder.graph.fields.extend_from_slice(own);
            entity.fields = (Span::new(begin, begin).start, Span::new(0, builder.graph.fields.len()).end);
        }
        builder.push(entity);
    }
    ids
}
