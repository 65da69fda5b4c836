//! Two unusual ways at once: a try that shows nothing new may ask for another on top of it.
//!
//! A header that is read under another policy may end elsewhere and hold other fields; whoever reads it
//! so takes type, boundary and encoding from those. And what is read as something else may have lines
//! that only a laxer reader takes for delimiters. At most [`MAX_CHAINED`] tries an entity come about so.

use super::build::Builder;
use super::choice::Choice;
use super::readings::{Ask, both, head_choices, policy};
use super::scan::Policy;
use super::tries::Try;
use super::{Entity, EntityId, Field};

/// Most tries on top of others at one entity.
pub(super) const MAX_CHAINED: usize = 8;

/// An entity as a try has read its header, and the fields of it.
#[derive(Clone)]
pub(super) struct Headed {
    pub(super) entity: Entity,
    pub(super) fields: Vec<Field>,
}

/// What a try asked for that was taken back.
#[derive(Default)]
pub(super) struct Lost {
    policies: Vec<Policy>,
    heads: Option<(Box<Headed>, Vec<Choice>)>,
}

/// Takes back what the entities from `from` on ask, which a try at `of` has added; the asks are those
/// from `asks` on.
pub(super) fn lose(builder: &mut Builder<'_, '_>, of: EntityId, from: usize, asks: usize) -> Lost {
    let asked = builder.asks.split_off(asks.min(builder.asks.len()));
    let mut lost = Lost::default();
    for wanted in asked.iter().filter_map(|(_, ask)| policy(*ask)) {
        if !lost.policies.contains(&wanted) {
            lost.policies.push(wanted);
        }
    }
    let facet = EntityId(u32::try_from(from).unwrap_or(u32::MAX));
    if asked.contains(&(facet, Ask::Head)) && has_other_header(builder, of, facet) {
        let choices = head_choices(builder, facet).0;
        lost.heads = headed(builder, facet).map(|headed| (Box::new(headed), choices));
    }
    lost
}

/// Whether a facet has another header than its entity.
fn has_other_header(builder: &Builder<'_, '_>, of: EntityId, facet: EntityId) -> bool {
    let entity = |id: EntityId| builder.graph.entities.get(id.0 as usize);
    let spans = |entity: &Entity| (entity.header, entity.body, entity.fields.1.abs_diff(entity.fields.0));
    entity(of).map(spans) != entity(facet).map(spans)
}

fn headed(builder: &Builder<'_, '_>, id: EntityId) -> Option<Headed> {
    let entity = builder.graph.entities.get(id.0 as usize)?.clone();
    let (from, to) = entity.fields;
    let fields = builder.graph.fields.get(from as usize..to as usize).unwrap_or(&[]).to_vec();
    Some(Headed { entity, fields })
}

/// The tries on top of one that was taken back; `asked` was asked at the entity itself.
pub(super) fn tries(one: &Try, lost: Lost, asked: &[(EntityId, Ask)]) -> Vec<Try> {
    let is_new = |wanted: &Policy| asked.iter().all(|(_, ask)| policy(*ask) != Some(*wanted));
    match one {
        Try::Body(choice, _) => {
            let swallow = |wanted: Policy| wanted.blind.then_some(Policy { swallow: true, ..wanted });
            let wanted = lost.policies.into_iter().flat_map(|wanted| [Some(wanted), swallow(wanted)]);
            wanted.flatten().map(|wanted| Try::Body(choice.clone(), wanted)).collect()
        }
        Try::Again(under, skip) => {
            let news = lost.policies.into_iter().filter(is_new);
            let mut out: Vec<Try> = news.map(|wanted| Try::Again(both(*under, wanted), *skip)).collect();
            // What is said of the header holds no more.
            let strict = Policy::default();
            let body = Policy {
                ends: under.ends,
                prefix: under.prefix,
                inner: under.inner,
                reopen: under.reopen,
                any_case: under.any_case,
                ..strict
            };
            if let Some((headed, choices)) = lost.heads {
                out.extend(choices.into_iter().map(|choice| Try::As(headed.clone(), choice, body)));
            }
            out
        }
        _ => Vec::new(),
    }
}
