//! Further readings: what clients do where a message is ambiguous, tried one by one.
//!
//! The strict pass leaves [`Ask`]s behind. Each makes one or more tries at its entity: the entity is
//! read again under another [`Policy`], with another [`Choice`] of type and encoding, or bytes of it
//! are taken as a leaf. A try that brings a leaf nobody knew becomes a reading; others are taken back.
//! New entities may ask in turn, [`MAX_ROUNDS`] times. Bounds: [`super::MAX_READINGS`] an entity,
//! [`MAX_TRIES`]; for the message entities, bytes read again, and bytes of new leaves, each so many
//! times those of the primary tree. What lies beyond is [`DefectCode::TooManyReadings`].

use super::build::Builder;
use super::chained::{self, Lost, MAX_CHAINED};
use super::choice::{self, Choice};
use super::head::Candidate;
use super::intern::{self, Known};
use super::lines::Ends;
use super::scan::Policy;
use super::tries::{FILE_MEDIA, Try, run};
use super::{
    Encoding, EntityId, Field, MAX_READINGS, MAX_READINGS_FACTOR, MIN_EXTRA_BYTES, MIN_EXTRA_ENTITIES, Reading, Recode,
    Shape,
};
use crate::defect::{Ambiguity, DefectCode};
use crate::span::Span;
use crate::transfer;

/// How often what a reading has found may ask for readings in turn.
const MAX_ROUNDS: usize = 4;
/// What it costs to decode a body in every way and compare, in times its size.
const COMPARED_COST: u64 = 6;
/// Most tries at one entity.
const MAX_TRIES: usize = 32;
/// How much of a text is looked at for zeros, in bytes.
const MAX_PROBE: usize = 4 * 1024;

/// A reason to read an entity in another way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Ask {
    /// Some clients end lines at bare CRs.
    AnyLines,
    /// Some clients end lines at CRLF only.
    CrlfLines,
    /// A line of white space may end the header.
    BlankEnds,
    /// A line that is no field may end the header.
    JunkEnds,
    /// An empty line that ends with CRLF behind one that ends with LF alone may not end the header.
    OtherEmpty,
    /// Fields stand behind blank lines.
    SkipBlank,
    /// A line begins like a delimiter.
    Prefix,
    /// A line is a delimiter but for the case of its letters.
    AnyCase,
    /// A multipart inside may not see this one's delimiters.
    Inner,
    /// Delimiters come after the closing one.
    Reopen,
    /// A delimiter ends a header.
    Blind,
    /// A line in the header is nearly a field of MIME.
    LaxFields,
    /// The fields of MIME can be read in another way.
    Head,
    /// The encoding of a multipart around it may be its own.
    Inherited(Encoding),
    /// The encoding is damaged.
    Damage,
    /// A text holds files.
    Files,
    /// A text in an encoding holds files.
    EncodedFiles,
    /// Quoted-printable holds bytes that must not stand in it.
    RawBytes,
    /// A text holds NUL bytes.
    Nul,
    /// A text is in a charset in which ASCII does not stand as it looks.
    Charset(Recode),
    /// A text holds parts with this boundary.
    Guess(Span),
    /// A multipart holds something outside of its parts.
    Outside {
        /// Where.
        span: Span,
        /// Whether it is more than text.
        content: bool,
    },
}

/// What is left of the bounds.
struct Left {
    known: Known,
    read_again: u64,
    new_leaves: u64,
}

/// Tries whatever was asked for.
pub(super) fn expand(builder: &mut Builder<'_, '_>) {
    if !builder.limits.readings || builder.asks.is_empty() || builder.graph.ambiguity == Ambiguity::TooAmbiguous {
        return;
    }
    let primary = builder.graph.entities.len();
    let factor = MAX_READINGS_FACTOR.saturating_sub(1);
    let extra = primary.saturating_mul(factor).max(MIN_EXTRA_ENTITIES);
    let most = primary.saturating_add(extra).min(builder.limits.entities as usize);
    let bytes = builder.raw_len().saturating_mul(factor).max(MIN_EXTRA_BYTES) as u64;
    let mut left = Left { known: intern::known(builder), read_again: bytes, new_leaves: bytes };
    builder.most_entities = most;
    for round in 0..MAX_ROUNDS {
        let mut asks = std::mem::take(&mut builder.asks);
        // What another reading decodes may never have been encoded; its damage says nothing. A file in it is one.
        asks.retain(|(id, ask)| round == 0 || *ask != Ask::Damage || builder.is_raw(*id) || builder.is_uuencode(*id));
        asks.sort_unstable();
        asks.dedup();
        if asks.is_empty() {
            return;
        }
        for asked in asks.chunk_by(|one, other| one.0 == other.0) {
            let Some((id, _)) = asked.first() else { continue };
            if !one_entity(builder, &mut left, *id, asked) {
                let span = builder.entity(*id).map(|entity| entity.whole).unwrap_or_default();
                builder.note(*id, DefectCode::TooManyReadings, span);
                return;
            }
        }
    }
}

/// All tries at one entity; false when a bound is reached.
fn one_entity(builder: &mut Builder<'_, '_>, left: &mut Left, id: EntityId, asked: &[(EntityId, Ask)]) -> bool {
    if builder.entity(id).is_none() {
        return true;
    }
    if asked.iter().any(|(_, ask)| *ask == Ask::Damage) {
        let length = builder.entity(id).map_or(0, |entity| entity.body.len());
        let times = if length <= transfer::MAX_COMPARED { COMPARED_COST } else { 1 };
        match left.read_again.checked_sub((length as u64).saturating_mul(times)) {
            Some(rest) => left.read_again = rest,
            None => return false,
        }
    }
    let mut tries: Vec<(Try, DefectCode)> = Vec::new();
    builder.cut = false;
    for (_, ask) in asked {
        plan(builder, id, *ask, &mut tries);
    }
    fit_large(builder, left, id, &mut tries);
    let cut = builder.cut;
    let policies: Vec<Policy> = asked.iter().filter_map(|(_, ask)| policy(*ask)).collect();
    if policies.len() > 1 {
        tries.insert(
            0,
            (Try::Again(policies.into_iter().fold(Policy::default(), both), false), DefectCode::OtherReading),
        );
    }
    let complete = tries.len() <= MAX_TRIES && !cut;
    let mut chained = 0;
    for (one, code) in tries.into_iter().take(MAX_TRIES) {
        let Some(lost) = attempt(builder, left, id, one.clone(), code) else { return false };
        let further = lost.map(|lost| chained::tries(&one, lost, asked)).unwrap_or_default();
        for one in further {
            chained += 1;
            if chained > MAX_CHAINED || attempt(builder, left, id, one, code).is_none() {
                return false;
            }
        }
    }
    complete
}

/// Of large quoted-printable in which ways differ, as many are tried as may be read again, one less for what else is
/// asked of the message. Escapes that are none stand in wanted texts, too; of a file all ways count.
fn fit_large(builder: &mut Builder<'_, '_>, left: &Left, id: EntityId, tries: &mut Vec<(Try, DefectCode)>) {
    let Some(entity) = builder.entity(id) else { return };
    let (length, is_text) = (entity.whole.len(), entity.media.starts_with("text/"));
    if entity.encoding != Encoding::QuotedPrintable || entity.body.len() <= transfer::MAX_COMPARED || !is_text {
        return;
    }
    let room = left.read_again.min(left.new_leaves).checked_div(length as u64).unwrap_or(0);
    let mut room = room.saturating_sub(1).max(1);
    tries.retain(|(one, code)| {
        let is_damage = *code == DefectCode::OtherReading && matches!(one, Try::Decode(_, Recode::None));
        let fits = !is_damage || room > 0;
        room = room.saturating_sub(u64::from(is_damage));
        fits
    });
}

/// The policy that an ask wants.
pub(super) fn policy(ask: Ask) -> Option<Policy> {
    let strict = Policy::default();
    Some(match ask {
        Ask::AnyLines => Policy { ends: Ends::Any, ..strict },
        Ask::CrlfLines => Policy { ends: Ends::Crlf, ..strict },
        Ask::BlankEnds => Policy { blank_ends: true, ..strict },
        Ask::JunkEnds => Policy { junk_ends: true, ..strict },
        Ask::OtherEmpty => Policy { other_empty: true, ..strict },
        Ask::Prefix => Policy { prefix: true, ..strict },
        Ask::AnyCase => Policy { any_case: true, ..strict },
        Ask::Inner => Policy { inner: true, ..strict },
        Ask::Reopen => Policy { reopen: true, ..strict },
        Ask::Blind => Policy { blind: true, ..strict },
        Ask::LaxFields => Policy { lax_fields: true, ..strict },
        _ => return None,
    })
}

pub(super) fn both(one: Policy, other: Policy) -> Policy {
    Policy {
        ends: if one.ends == Ends::Lf { other.ends } else { one.ends },
        prefix: one.prefix || other.prefix,
        inner: one.inner || other.inner,
        reopen: one.reopen || other.reopen,
        blind: one.blind || other.blind,
        swallow: one.swallow || other.swallow,
        any_case: one.any_case || other.any_case,
        all_headers: one.all_headers || other.all_headers,
        blank_ends: one.blank_ends || other.blank_ends,
        junk_ends: one.junk_ends || other.junk_ends,
        fields_first: one.fields_first || other.fields_first,
        other_empty: one.other_empty || other.other_empty,
        lax_fields: one.lax_fields || other.lax_fields,
    }
}

/// The tries that an ask makes.
fn plan(builder: &mut Builder<'_, '_>, id: EntityId, ask: Ask, tries: &mut Vec<(Try, DefectCode)>) {
    let other = DefectCode::OtherReading;
    match ask {
        Ask::AnyLines => {
            let any = Policy { ends: Ends::Any, ..Policy::default() };
            tries.push((Try::Again(any, false), other));
            tries.push((Try::Again(Policy { junk_ends: true, all_headers: true, ..any }, false), other));
            tries.push((Try::Again(Policy { junk_ends: true, fields_first: true, ..any }, false), other));
        }
        Ask::SkipBlank => tries.push((Try::Again(Policy::default(), true), other)),
        Ask::Head => {
            let (choices, cut) = head_choices(builder, id);
            builder.cut |= cut;
            tries.extend(choices.into_iter().map(|it| (Try::Body(it, Policy::default()), other)));
        }
        Ask::Damage => {
            // What few clients find at all is not made worse by their ways to decode it.
            let found = builder.entity(id).is_some_and(|entity| entity.facet && entity.media == FILE_MEDIA);
            let code = if found && builder.is_bare(id) { DefectCode::Base64InText } else { other };
            tries.extend(damage(builder, id).into_iter().map(|one| (one, code)));
        }
        Ask::Inherited(encoding) => tries.push((Try::Decode(encoding, Recode::None), other)),
        Ask::Files => tries.push((Try::Files, DefectCode::FileInText)),
        Ask::EncodedFiles => tries.push((Try::Files, DefectCode::FileInEncodedText)),
        Ask::RawBytes => {
            let way = Try::Decode(Encoding::QuotedPrintableVisible, Recode::None);
            tries.push((way, DefectCode::RawBytesInQuotedPrintable));
            if has_low_bytes(builder, id) {
                let way = Try::Decode(Encoding::QuotedPrintableLow, Recode::None);
                tries.push((way, DefectCode::RawBytesInQuotedPrintable));
            }
        }
        Ask::Nul => {
            tries.push((Try::Decode(Encoding::NoNul, Recode::None), other));
            tries.push((
                match is_wide(builder, id) {
                    true => Try::Decode(Encoding::Identity, Recode::Wide),
                    false => Try::Decode(Encoding::NulToLine, Recode::None),
                },
                other,
            ));
        }
        Ask::Charset(recode) => {
            let encoding = builder.entity(id).map_or(Encoding::Identity, |entity| entity.encoding);
            tries.push((Try::Decode(encoding, recode), DefectCode::WideCharset));
        }
        Ask::Guess(span) => tries.extend(guessed(builder, id, span)),
        Ask::Outside { span, content } => {
            let code = if content { DefectCode::ContentOutsideParts } else { DefectCode::TextOutsideParts };
            tries.push((Try::Outside(span, content), code));
        }
        Ask::JunkEnds => {
            let ends = Policy { junk_ends: true, ..Policy::default() };
            tries.push((Try::Again(ends, false), other));
            tries.push((Try::Again(Policy { fields_first: true, ..ends }, false), other));
            // A line more or less makes another file only of what is encoded.
            let encoding = builder.entity(id).map(|entity| entity.encoding);
            if matches!(encoding, Some(Encoding::Base64 | Encoding::QuotedPrintable)) {
                tries.push((Try::Again(Policy { fields_first: true, swallow: true, ..ends }, false), other));
            }
        }
        Ask::Blind => {
            let blind = Policy { blind: true, ..Policy::default() };
            tries.push((Try::Again(blind, false), other));
            tries.push((Try::Again(Policy { swallow: true, ..blind }, false), other));
        }
        ask => {
            let Some(policy) = policy(ask) else { return };
            tries.push((Try::Again(policy, false), other));
            // What another reading of the header takes for parts is not what its header says.
            let chosen = chosen(builder, id);
            tries.extend(chosen.map(|choice| (Try::Body(choice, policy), other)));
        }
    }
}

/// The way in which a facet was read that is a multipart.
fn chosen(builder: &mut Builder<'_, '_>, id: EntityId) -> Option<Choice> {
    let entity = builder.entity(id).filter(|entity| entity.facet && entity.shape() == Shape::Multipart)?;
    let (media, encoding) = (entity.media.clone(), entity.encoding);
    let candidate = strict_multipart(builder, id);
    Some(Choice { media, encoding, candidate, decoded: false }).filter(Choice::is_multipart)
}

/// Whether so many NUL bytes stand at even or at odd places of a body that it may be UTF-16.
fn is_wide(builder: &mut Builder<'_, '_>, id: EntityId) -> bool {
    let Some(entity) = builder.graph.entities.get(id.0 as usize) else { return false };
    let body = entity.body.of(builder.bytes(entity.buffer));
    let probe = body.get(..MAX_PROBE).unwrap_or(body);
    let zeros = |offset: usize| probe.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let zeros = zeros(0).max(zeros(1));
    zeros > 1 && zeros.saturating_mul(5) >= probe.len()
}

/// Whether a body holds characters that are ASCII to those who take their lowest byte.
fn has_low_bytes(builder: &Builder<'_, '_>, id: EntityId) -> bool {
    let entity = builder.graph.entities.get(id.0 as usize);
    entity.is_some_and(|entity| transfer::has_low_bytes(entity.body.of(builder.bytes(entity.buffer))))
}

/// The strict way of an entity, its fields, and what follows from them.
pub(super) fn head_choices(builder: &mut Builder<'_, '_>, id: EntityId) -> (Vec<Choice>, bool) {
    let nothing = (Vec::new(), false);
    let Some(entity) = builder.graph.entities.get(id.0 as usize) else { return nothing };
    let (from, to) = entity.fields;
    let mut fields: Vec<Field> = builder.graph.fields.get(from as usize..to as usize).unwrap_or(&[]).to_vec();
    let hidden = builder.hidden_fields.iter().filter(|(of, _)| *of == id).map(|(_, field)| *field);
    let before = fields.len();
    fields.extend(hidden);
    if fields.len() > before {
        fields.sort_unstable_by_key(|field| field.whole.start);
    }
    let candidate = match entity.shape() {
        Shape::Multipart => strict_multipart(builder, id),
        Shape::Message => Candidate::Message,
        Shape::Leaf => Candidate::Leaf,
    };
    let Some(entity) = builder.graph.entities.get(id.0 as usize) else { return nothing };
    let children = entity.readings.first().and_then(|reading| reading.children.first());
    let child = children.and_then(|child| builder.graph.entities.get(child.0 as usize));
    let strict = Choice {
        media: entity.media.clone(),
        encoding: entity.encoding,
        candidate,
        decoded: child.is_some_and(|child| child.buffer != entity.buffer),
    };
    let (buffer, body) = (entity.buffer, entity.body);
    builder.with_buffer(buffer, |_, bytes| choice::choices(bytes, &fields, &strict, "text/plain", body.of(bytes)))
}

/// The boundary of a multipart, as the line in front of its first part has it.
fn strict_multipart(builder: &mut Builder<'_, '_>, id: EntityId) -> Candidate {
    let Some(entity) = builder.graph.entities.get(id.0 as usize) else { return Candidate::Leaf };
    let first = entity.readings.first().and_then(|reading| reading.children.first());
    let child = first.and_then(|child| builder.graph.entities.get(child.0 as usize));
    let Some((buffer, slot)) = child.and_then(|child| child.slot.map(|slot| (child.buffer, slot))) else {
        return Candidate::Leaf;
    };
    let digest = entity.media == "multipart/digest";
    builder.with_buffer(buffer, |_, bytes| {
        let line = slot.delimiter.of(bytes).trim_ascii_end();
        Candidate::Multipart { boundary: line.strip_prefix(b"--").unwrap_or(line).to_vec(), digest }
    })
}

/// The body, or what was decoded of it, in the other ways to undo its encoding.
fn damage(builder: &mut Builder<'_, '_>, id: EntityId) -> Vec<Try> {
    let ways = variants(builder, id);
    let candidate = match builder.entity(id).map(|entity| entity.shape()) {
        Some(Shape::Multipart) => strict_multipart(builder, id),
        Some(Shape::Message) => Candidate::Message,
        _ => return ways.into_iter().map(|way| Try::Decode(way, Recode::None)).collect(),
    };
    let media = builder.entity(id).map(|entity| entity.media.clone()).unwrap_or_default();
    let choice = |encoding| Choice { media: media.clone(), encoding, candidate: candidate.clone(), decoded: true };
    ways.into_iter().map(|way| Try::Body(choice(way), Policy::default())).collect()
}

/// The other ways to undo a damaged encoding.
fn variants(builder: &mut Builder<'_, '_>, id: EntityId) -> Vec<Encoding> {
    let Some(entity) = builder.entity(id) else { return Vec::new() };
    let (buffer, body, encoding, primary) = (entity.buffer, entity.body, entity.encoding, entity.primary);
    let (ways, more) = builder.with_buffer(buffer, |_, bytes| match encoding {
        Encoding::Base64 => transfer::base64_variants(body.of(bytes)),
        Encoding::Uuencode => (transfer::embedded::UU_WAYS.to_vec(), false),
        _ => transfer::quoted_printable_variants(body.of(bytes)),
    });
    // What another reading takes for encoded may be damaged in any number of ways.
    builder.cut |= more && primary;
    ways
}

/// The parts that stand in a text.
fn guessed(builder: &mut Builder<'_, '_>, id: EntityId, span: Span) -> Option<(Try, DefectCode)> {
    let entity = builder.entity(id)?;
    let (buffer, is_multipart) = (entity.buffer, entity.media.starts_with("multipart/"));
    let encoding = entity.encoding;
    let boundary = builder.with_buffer(buffer, |_, bytes| span.of(bytes).trim_ascii_end().to_vec());
    let code = if is_multipart { DefectCode::OtherReading } else { DefectCode::StructureInText };
    let candidate = Candidate::Multipart { boundary, digest: false };
    let choice = Choice { media: "multipart/mixed".to_owned(), encoding, candidate, decoded: false };
    Some((Try::Body(choice, Policy::default()), code))
}

/// Makes one try; `None` when a bound is reached. Gives what it asked for if it was taken back.
fn attempt(
    builder: &mut Builder<'_, '_>,
    left: &mut Left,
    id: EntityId,
    one: Try,
    code: DefectCode,
) -> Option<Option<Lost>> {
    let Some(entity) = builder.entity(id) else { return Some(None) };
    if entity.readings.len() >= MAX_READINGS {
        return None;
    }
    let cost = entity.whole.len() as u64;
    let span = entity.whole;
    // Of a multipart with parts, the bytes as they stand are nothing new.
    let wants_parts = entity.shape() == Shape::Multipart
        && matches!(&one, Try::Body(choice, _) | Try::As(_, choice, _) if choice.is_multipart());
    if cost > left.read_again {
        return None;
    }
    left.read_again = left.read_again.saturating_sub(cost);
    let (from, fields, asks) = (builder.graph.entities.len(), builder.graph.fields.len(), builder.asks.len());
    let most = builder.most_entities;
    // What is known already is dropped afterwards, so there must be room for it.
    builder.most_entities = most.saturating_add(from).min(builder.limits.entities as usize);
    (builder.trying, builder.cut) = (true, false);
    run(builder, id, one);
    builder.decode_all();
    builder.trying = false;
    builder.most_entities = most;
    let cut = builder.cut;
    let facets = facets_from(builder, from);
    if wants_parts && facets.iter().all(|facet| builder.is_plain_leaf(*facet)) {
        let lost = chained::lose(builder, id, from, asks);
        builder.truncate(from);
        builder.graph.fields.truncate(fields);
        return (!cut).then_some(Some(lost));
    }
    if !intern::is_new(builder, &left.known, from) {
        let lost = chained::lose(builder, id, from, asks);
        intern::settle(builder, &mut left.known, from, fields);
        return (!cut).then_some(Some(lost));
    }
    let (bytes, ids) = intern::settle(builder, &mut left.known, from, fields)?;
    if bytes > left.new_leaves || builder.graph.entities.len() > most {
        builder.truncate(from);
        builder.asks.clear();
        return None;
    }
    left.new_leaves = left.new_leaves.saturating_sub(bytes);
    rename_asks(builder, asks, from, &ids);
    let mut facets: Vec<EntityId> =
        facets.iter().filter_map(|facet| ids.get((facet.0 as usize).saturating_sub(from)).copied().flatten()).collect();
    facets.dedup();
    let bare = |facet: &EntityId| builder.is_bare(*facet);
    let code = if code == DefectCode::FileInText && facets.iter().all(bare) { DefectCode::Base64InText } else { code };
    let shape = facets.first().and_then(|facet| builder.entity(*facet)).map_or(Shape::Leaf, |facet| facet.shape());
    if let Some(entity) = builder.entity(id) {
        entity.readings.push(Reading { shape, children: facets });
    }
    builder.note(id, code, span);
    (!cut).then_some(None)
}

/// The facets that a try has made.
fn facets_from(builder: &Builder<'_, '_>, from: usize) -> Vec<EntityId> {
    let tail = builder.graph.entities.get(from..).unwrap_or(&[]).iter().enumerate();
    let facets = tail.filter(|(_, entity)| entity.facet);
    facets.map(|(at, _)| EntityId(u32::try_from(from.saturating_add(at)).unwrap_or(u32::MAX))).collect()
}

/// What new entities ask goes with them; what known ones ask was asked before.
fn rename_asks(builder: &mut Builder<'_, '_>, asks: usize, from: usize, ids: &[Option<EntityId>]) {
    let new = builder.asks.split_off(asks.min(builder.asks.len()));
    let rename = |(id, ask): (EntityId, Ask)| {
        let at = (id.0 as usize).checked_sub(from)?;
        Some((ids.get(at).copied().flatten()?, ask))
    };
    builder.asks.extend(new.into_iter().filter_map(rename));
    for (id, _) in &mut builder.hidden_fields {
        if let Some(at) = (id.0 as usize).checked_sub(from) {
            *id = ids.get(at).copied().flatten().unwrap_or(EntityId(u32::MAX));
        }
    }
}
