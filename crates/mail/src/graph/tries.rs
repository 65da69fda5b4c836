//! One try to read an entity in another way: the facets that it adds to the arena.

use super::build::{Builder, Job};
use super::chained::Headed;
use super::choice::Choice;
use super::head::Candidate;
use super::leaf::{self, Watch};
use super::readings::Ask;
use super::scan::{Policy, Scan, header_goes_on, late_header};
use super::{BufferId, Encoding, EntityId, Recode};
use crate::defect::DefectCode;
use crate::header;
use crate::span::Span;
use crate::transfer::{self, embedded};
use crate::untrusted::Untrusted;

/// Longest name of a file in a text, in bytes.
const MAX_NAME: usize = 255;

/// How much of a file in a text is decoded to look for a header in it, in bytes.
const MAX_INSIDE: usize = 4 * 1024;

/// The type of a file in a text.
pub(super) const FILE_MEDIA: &str = "application/octet-stream";

/// One try.
#[derive(Clone)]
pub(super) enum Try {
    /// Header and body under a policy; blank lines in front passed over.
    Again(Policy, bool),
    /// The body as something else.
    Body(Choice, Policy),
    /// The same behind a header that was read in another way.
    As(Box<Headed>, Choice, Policy),
    /// The body with another decoding.
    Decode(Encoding, Recode),
    /// Files in the body.
    Files,
    /// Bytes outside of parts, as a text, and as a part if they may be one.
    Outside(Span, bool),
}

/// Adds the facets of a try.
pub(super) fn run(builder: &mut Builder<'_, '_>, id: EntityId, one: Try) {
    match one {
        Try::Again(policy, skip) => again(builder, id, policy, skip),
        Try::Body(choice, policy) => {
            if let Some(facet) = builder.add_facet(id) {
                body(builder, facet, choice, policy);
            }
        }
        Try::As(headed, choice, policy) => {
            if let Some(facet) = behind(builder, id, *headed) {
                body(builder, facet, choice, policy);
            }
        }
        Try::Decode(encoding, recode) => {
            let facet = builder.add_facet(id);
            if let Some(facet) = facet.and_then(|facet| builder.entity(facet)) {
                (facet.encoding, facet.recode) = (encoding, recode);
            }
        }
        Try::Files => files(builder, id),
        Try::Outside(span, content) => outside(builder, id, span, content),
    }
}

/// Header and body once more; `skip`: from where fields stand behind blank lines, or behind the header.
fn again(builder: &mut Builder<'_, '_>, id: EntityId, policy: Policy, skip: bool) {
    let Some(facet) = builder.add_facet(id) else { return };
    let Some(entity) = builder.entity(facet) else { return };
    let (buffer, whole, header, body) = (entity.buffer, entity.whole, entity.header, entity.body);
    let has_fields = entity.fields.1 > entity.fields.0;
    let default_media = if entity.media == "message/rfc822" { "message/rfc822" } else { "text/plain" };
    builder.with_buffer(buffer, |builder, bytes| {
        let bytes = bytes.get(..whole.end as usize).unwrap_or(bytes);
        // What another reading has passed over stays so.
        let begin = whole.start.max(header.start) as usize;
        let start = match skip {
            true if has_fields => {
                let begin = body.start as usize;
                begin.saturating_add(header_goes_on(bytes.get(begin..).unwrap_or(&[])).unwrap_or(0))
            }
            true => begin.saturating_add(late_header(bytes.get(begin..).unwrap_or(&[])).unwrap_or(0)),
            false => begin,
        };
        Scan::trying(builder, bytes, buffer, start, policy).run_entity(facet, default_media);
    });
}

/// A facet with a header as it was read.
fn behind(builder: &mut Builder<'_, '_>, id: EntityId, headed: Headed) -> Option<EntityId> {
    let facet = builder.add_facet(id)?;
    let from = builder.graph.fields.len();
    builder.graph.fields.extend(headed.fields);
    let fields = Span::new(from, builder.graph.fields.len());
    let (entity, read) = (builder.entity(facet)?, headed.entity);
    (entity.header, entity.body, entity.fields) = (read.header, read.body, (fields.start, fields.end));
    (entity.charset, entity.names, entity.disposition) = (read.charset, read.names, read.disposition);
    Some(facet)
}

/// The body of a facet in another way.
fn body(builder: &mut Builder<'_, '_>, facet: EntityId, choice: Choice, policy: Policy) {
    let Some(entity) = builder.entity(facet) else { return };
    let (buffer, body) = (entity.buffer, entity.body);
    (entity.media, entity.encoding) = (choice.media, choice.encoding);
    let job = Job { entity: facet, candidate: choice.candidate };
    if choice.decoded {
        builder.queue.push_back(job);
        return;
    }
    if job.candidate == Candidate::Leaf {
        let asks = builder.with_buffer(buffer, |builder, bytes| {
            let entity = builder.entity(facet).map(|entity| &*entity)?;
            // What the strict reading takes for encoded is looked at as a text for the first time.
            let is_text = matches!(entity.encoding, Encoding::Identity | Encoding::Unknown);
            let watch = if is_text { Watch::over(bytes, body) } else { Watch::default() };
            Some(leaf::asks(entity, body.of(bytes), watch))
        });
        for ask in asks.unwrap_or_default() {
            builder.ask(facet, ask);
        }
        return;
    }
    builder.with_buffer(buffer, |builder, bytes| {
        let bytes = bytes.get(..body.end as usize).unwrap_or(bytes);
        Scan::trying(builder, bytes, buffer, body.start as usize, policy).run_decoded(job);
    });
}

/// Where the text of an entity stands, its encoding undone.
fn text_of(builder: &mut Builder<'_, '_>, id: EntityId) -> Option<(BufferId, Span)> {
    let entity = builder.entity(id)?;
    let (buffer, body, encoding) = (entity.buffer, entity.body, entity.encoding);
    if !matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable) {
        return Some((buffer, body));
    }
    let decoded = builder.decoded(id, buffer, body, encoding)?;
    Some((decoded, Span::new(0, builder.bytes(decoded).len())))
}

/// The files in a text.
fn files(builder: &mut Builder<'_, '_>, id: EntityId) {
    let Some((buffer, body)) = text_of(builder, id) else { return };
    let as_it_stands = builder.entity(id).is_some_and(|entity| entity.buffer == buffer && entity.body == body);
    let unknown = builder.entity(id).is_some_and(|entity| entity.encoding == Encoding::Unknown);
    // What only another reading decodes may be a message to those who read it so.
    let (decoded, facet) = (!as_it_stands, builder.entity(id).is_some_and(|entity| entity.facet));
    let blocks = builder.with_buffer(buffer, |_, bytes| {
        let mut blocks = embedded::find_as_it_stands(body.of(bytes));
        if blocks.is_empty() && decoded {
            blocks = embedded::find_inside(body.of(bytes), facet);
        }
        if unknown {
            embedded::find_without_mode(body.of(bytes), &mut blocks);
        }
        blocks
    });
    if blocks.len() >= embedded::MAX_BLOCKS {
        let span = builder.entity(id).map_or(body, |entity| entity.body);
        builder.note(id, DefectCode::LimitReached, span);
    }
    for (number, block) in blocks.into_iter().enumerate() {
        let Some(facet) = builder.add_facet(id) else { return };
        let Some(entity) = builder.entity(facet) else { return };
        if entity.buffer != buffer {
            // It stands in what was decoded, where there is no header.
            entity.buffer = buffer;
            (entity.whole, entity.header) = (body, Span::new(0, 0));
            entity.fields = (0, 0);
        }
        let at = |offset: u32| body.start.saturating_add(offset);
        entity.body = Span { start: at(block.span.start), end: at(block.span.end) };
        entity.encoding = block.encoding;
        entity.media = FILE_MEDIA.to_owned();
        entity.part = format!("{}.{}", entity.part, number.saturating_add(1));
        let name = block.name.map(|name| header::decode_words(name.get(..MAX_NAME).unwrap_or(&name)));
        entity.names = name.filter(|name| !name.is_empty()).map(Untrusted::new).into_iter().collect();
        let (body, encoding) = (entity.body, entity.encoding);
        let source = body.of(builder.bytes(buffer));
        let damaged = match encoding {
            Encoding::Base64 => !transfer::is_clean_base64(source),
            Encoding::QuotedPrintable => transfer::is_damaged_quoted_printable(source),
            Encoding::Uuencode => embedded::is_uneven(source),
            _ => false,
        };
        let encoded = matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable);
        let inside = encoded && embedded::is_inside(&transfer::decode(encoding, source, MAX_INSIDE).bytes, true);
        builder.asks.extend(damaged.then_some((facet, Ask::Damage)));
        builder.asks.extend(inside.then_some((facet, Ask::EncodedFiles)));
    }
}

/// What stands outside of parts: as a part of its own, and as it is.
fn outside(builder: &mut Builder<'_, '_>, id: EntityId, span: Span, content: bool) {
    let Some(buffer) = builder.entity(id).map(|entity| entity.buffer) else { return };
    for as_part in [false, true].into_iter().filter(|as_part| content || !as_part) {
        let Some(facet) = builder.add_facet(id) else { return };
        let Some(entity) = builder.entity(facet) else { return };
        entity.whole = span;
        entity.header = Span { start: span.start, end: span.start };
        entity.body = span;
        entity.media = "text/plain".to_owned();
        (entity.encoding, entity.charset) = (Encoding::Identity, None);
        entity.names.clear();
        entity.disposition = None;
        entity.fields = (0, 0);
        entity.part = format!("{}.{}", entity.part, u8::from(as_part).saturating_add(1));
        builder.with_buffer(buffer, |builder, bytes| {
            let bytes = bytes.get(..span.end as usize).unwrap_or(bytes);
            if as_part {
                let text = span.of(bytes);
                let blank = text.len().saturating_sub(text.trim_ascii_start().len());
                let start = (span.start as usize).saturating_add(blank);
                Scan::trying(builder, bytes, buffer, start, Policy::default()).run_entity(facet, "text/plain");
            } else {
                let watch = Watch::over(bytes, span);
                let asks = builder.entity(facet).map(|entity| leaf::asks(entity, span.of(bytes), watch));
                for ask in asks.unwrap_or_default() {
                    builder.ask(facet, ask);
                }
            }
        });
    }
}
