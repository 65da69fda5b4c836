//! Entry points for fuzzing: each runs a parser and checks what it promises.

use crate::defect::DefectCode;
use crate::edit::Rewrite;
use crate::filename::{self, Signs};
use crate::graph::Recode;
use crate::graph::{EntityId, Limits, MAX_READINGS, MAX_READINGS_FACTOR, MIN_EXTRA_ENTITIES, Message, parse};
use crate::header::{MAX_MAILBOXES, MAX_PROPERTIES, MAX_STATEMENTS, Structured, decode_words, mailboxes, statements};
use crate::neutralise::neutralise;
use crate::normalise::normalise;
use crate::render::render;
use crate::transfer;

/// Parses a message and checks its graph.
///
/// # Panics
/// Where a promise is broken.
pub fn fuzz_message(data: &[u8]) {
    let limits = Limits { entities: 200, fields: 500, decoded_bytes: 1 << 20, ..Limits::default() };
    let message = parse(data, &limits);
    check_graph(&message);
    let same = render(&message, &Rewrite::Untouched, None).map(|rendered| rendered.to_vec());
    assert_eq!(same.as_deref(), Ok(data), "an untouched message changed");
    let all: Vec<EntityId> = message.leaves().collect();
    let patches = neutralise(&message, &all);
    assert!(patches.is_ok(), "a filler does not fit: {patches:?}");
    // What it gives was read again and found the same.
    let _ = normalise(&message);
}

/// Looks for files in a text, and decodes it in every way.
///
/// # Panics
/// Where a promise is broken.
pub fn fuzz_text(data: &[u8]) {
    let mut last = 0;
    for block in transfer::embedded::find(data) {
        assert!(block.span.fits(data.len()) && block.span.start >= last, "a file outside its text: {block:?}");
        last = block.span.end;
    }
    let blocks = transfer::embedded::find_as_it_stands(data);
    for block in blocks.iter().chain(transfer::embedded::find_inside(data, true).iter()) {
        assert!(block.span.fits(data.len()), "a file outside its text: {block:?}");
    }
    assert!(blocks.len() <= transfer::embedded::MAX_BLOCKS, "too many files");
    use crate::graph::Encoding as E;
    let ways = [
        E::Base64ToPadding,
        E::Base64ToJunk,
        E::Base64CleanLines,
        E::Base64NoPadding,
        E::Base64ByLine,
        E::Base64Lone,
        E::Base64ToAnyPadding,
        E::QuotedPrintableVisible,
        E::QuotedPrintableHalf,
        E::QuotedPrintableZero,
        E::QuotedPrintableLow,
        E::QuotedPrintableToEnd,
        E::QuotedPrintableKeep,
        E::Base64Url,
        E::QuotedPrintableDrop,
        E::QuotedPrintableSkip,
        E::QuotedPrintableBlanks,
        E::QuotedPrintableCr,
        E::QuotedPrintableBreak,
        E::QuotedPrintableRaw,
        E::QuotedPrintablePair,
        E::QuotedPrintableOne,
        E::NoNul,
        E::NulToLine,
        E::Base64ToGap,
        E::Base64Places,
        E::Base64Groups,
        E::Uuencode,
        E::UuencodeEven,
        E::UuencodeToGap,
        E::UuencodeStream,
        E::UuencodeFilled,
        E::Yenc,
        E::BinHex,
        E::Base64Block,
    ];
    for way in ways {
        // A line of two bytes may say that it has 63.
        let times = if matches!(way, E::UuencodeToGap | E::UuencodeFilled) { 32 } else { 4 };
        for max in [0, 7, usize::MAX] {
            let length = transfer::decode(way, data, max).bytes.len();
            assert!(length <= max && length <= data.len().saturating_mul(times) + 64, "{way:?} gives {length}");
        }
    }
    for recode in [Recode::Utf7, Recode::Wide, Recode::Iso2022Jp, Recode::Iso2022Kr, Recode::Iso2022Cn, Recode::Hz] {
        assert!(transfer::decode_text(E::Identity, recode, data, 50).bytes.len() <= 50, "a text passed its limit");
    }
}

/// Runs the readers of header values and the transfer decoders.
///
/// # Panics
/// Where a promise is broken.
pub fn fuzz_header(data: &[u8]) {
    let parsed = Structured::parse(data);
    let _ = (parsed.texts("filename"), parsed.first("boundary"), parsed.conflicts("charset"));
    let _ = decode_words(data);
    let named = mailboxes(data);
    assert!(named.list.len() <= MAX_MAILBOXES, "more mailboxes than are read");
    let stated = statements(data);
    assert!(stated.len() <= MAX_STATEMENTS, "more statements than are read");
    assert!(stated.iter().all(|it| it.properties.len() <= MAX_PROPERTIES), "more properties than are read");
    for max in [0, 7, data.len()] {
        assert!(transfer::base64(data, max).bytes.len() <= max, "base64 passed its limit");
        assert!(transfer::quoted_printable(data, max).bytes.len() <= max, "quoted-printable passed its limit");
    }
}

/// Judges a file name, shows it in every way, and reads it from a header.
///
/// # Panics
/// Where a promise is broken.
pub fn fuzz_filename(data: &[u8]) {
    let name = String::from_utf8_lossy(data);
    if let Some(end) = filename::extension(&name) {
        assert!(!end.is_empty() && !end.contains('.') && name.contains(end), "no extension: {end:?}");
    }
    let looks = filename::as_it_looks(&name);
    assert_eq!(looks.chars().count(), name.chars().count(), "a letter that looks like several");
    assert_eq!(filename::as_it_looks(&looks), looks, "a letter that looks like a look-alike");
    for text in [filename::visible(&name), filename::as_it_is_shown(&name)] {
        let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}');
        assert!(!text.contains(hidden) && text.len() <= name.len(), "something hides in {text:?}");
    }
    let raw = [b"Content-Disposition: attachment; filename=\"", data, b"\"\r\n\r\n"].concat();
    let message = parse(&raw, &Limits::default());
    let names: Vec<&str> = message
        .all()
        .filter_map(|id| message.entity(id))
        .flat_map(|entity| &entity.names)
        .map(|n| n.raw().as_str())
        .collect();
    assert!(names.iter().all(|name| !name.is_empty() && name.len() <= 1024), "an empty or overlong name");
    let deceives = names.iter().any(|name| Signs::of(name).any());
    let noted = message.defects().iter().any(|defect| defect.code == DefectCode::DeceptiveName);
    assert!(message.len() > 1 || deceives == noted, "a deceptive name is not noted, or an honest one is");
}

/// Spans lie in their buffers and in each other; every child knows its parent; the readings stay
/// within their bounds.
fn check_graph(message: &Message<'_>) {
    let seen = message.primary().inspect(|id| check_tree(message, *id)).count();
    assert!(seen <= message.len(), "an entity is met twice");
    assert!(message.len() <= (seen * MAX_READINGS_FACTOR).max(seen + MIN_EXTRA_ENTITIES), "too many readings");
    assert_eq!(message.all().count(), message.len());
    for id in message.all() {
        check_entity(message, id);
    }
    let leaves: Vec<EntityId> = message.leaves().collect();
    let mut unique = leaves.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), leaves.len(), "a leaf is met twice");
    assert_eq!(message.ambiguity(), crate::defect::worst(message.defects()), "ambiguity and defects differ");
}

/// What holds for an entity of any reading.
fn check_entity(message: &Message<'_>, id: EntityId) {
    let Some(entity) = message.entity(id) else { unreachable!("an id without entity") };
    let size = message.buffer(entity.buffer).len();
    assert!(entity.whole.fits(size), "an entity outside its buffer");
    assert!(entity.whole.contains(entity.header) && entity.whole.contains(entity.body), "{entity:?}");
    assert!(entity.header.end <= entity.body.start, "header and body overlap: {entity:?}");
    assert!(!entity.readings.is_empty() && entity.readings.len() <= MAX_READINGS, "readings");
    for reading in entity.readings.iter().skip(1) {
        assert!(!reading.children.is_empty(), "a reading of nothing: {entity:?}");
        for facet in &reading.children {
            let Some(facet) = message.entity(*facet) else { unreachable!("a facet without entity") };
            assert!(facet.facet && !facet.primary && facet.parent == Some(id), "no facet: {facet:?}");
        }
    }
    let mut last = 0;
    for field in message.fields(id) {
        assert!(field.whole.fits(size), "a field outside: {entity:?}");
        assert!(field.whole.contains(field.name) && field.whole.contains(field.value), "{field:?}");
        assert!(field.whole.start >= last, "fields out of order");
        last = field.whole.end;
    }
    for child in message.children(id) {
        assert!(message.entity(*child).is_some(), "a child without entity");
    }
    let content = message.content(id, 1 << 20);
    assert!(content.bytes.len() <= 1 << 20, "content passed its limit");
}

/// What holds in the strict tree.
fn check_tree(message: &Message<'_>, id: EntityId) {
    let Some(entity) = message.entity(id) else { unreachable!("an id without entity") };
    assert!(entity.primary && !entity.facet, "another reading in the strict tree: {entity:?}");
    for field in message.fields(id) {
        assert!(entity.whole.contains(field.whole), "a field outside: {entity:?}");
    }
    for child in message.children(id) {
        let Some(child) = message.entity(*child) else { unreachable!("a child without entity") };
        assert_eq!(child.parent, Some(id), "a child with another parent");
        assert_eq!(child.depth, entity.depth + 1, "a child at the wrong depth");
        let inside = child.buffer != entity.buffer || entity.body.contains(child.whole);
        assert!(inside, "a child outside its parent: {child:?} {entity:?}");
    }
}
