//! Entry points for fuzzing: each runs a parser and checks what it promises.

use crate::edit::Rewrite;
use crate::graph::{Limits, Message, parse};
use crate::header::{Structured, decode_words};
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
}

/// Runs the readers of header values and the transfer decoders.
///
/// # Panics
/// Where a promise is broken.
pub fn fuzz_header(data: &[u8]) {
    let parsed = Structured::parse(data);
    let _ = (parsed.texts("filename"), parsed.first("boundary"), parsed.conflicts("charset"));
    let _ = decode_words(data);
    for max in [0, 7, data.len()] {
        assert!(transfer::base64(data, max).bytes.len() <= max, "base64 passed its limit");
        assert!(transfer::quoted_printable(data, max).bytes.len() <= max, "quoted-printable passed its limit");
    }
}

/// Spans lie in their buffers and in each other; every child knows its parent.
fn check_graph(message: &Message<'_>) {
    let mut seen = 0;
    for id in message.primary() {
        seen += 1;
        let Some(entity) = message.entity(id) else { unreachable!("an id without entity") };
        let size = message.buffer(entity.buffer).len();
        assert!(entity.whole.fits(size), "an entity outside its buffer");
        assert!(entity.whole.contains(entity.header) && entity.whole.contains(entity.body), "{entity:?}");
        assert!(entity.header.end <= entity.body.start, "header and body overlap: {entity:?}");
        assert!(!entity.readings.is_empty() && entity.readings.len() <= crate::graph::MAX_READINGS, "readings");
        let mut last = entity.whole.start;
        for field in message.fields(id) {
            assert!(field.whole.fits(size) && entity.whole.contains(field.whole), "a field outside: {entity:?}");
            assert!(field.whole.contains(field.name) && field.whole.contains(field.value), "{field:?}");
            assert!(field.whole.start >= last, "fields out of order");
            last = field.whole.end;
        }
        for child in message.children(id) {
            let Some(child) = message.entity(*child) else { unreachable!("a child without entity") };
            assert_eq!(child.parent, Some(id), "a child with another parent");
            assert_eq!(child.depth, entity.depth + 1, "a child at the wrong depth");
            let inside = child.buffer != entity.buffer || entity.body.contains(child.whole);
            assert!(inside, "a child outside its parent: {child:?} {entity:?}");
        }
        let content = message.content(id, 1 << 20);
        assert!(content.bytes.len() <= 1 << 20, "content passed its limit");
    }
    assert!(seen <= message.len(), "an entity is met twice");
    assert_eq!(message.ambiguity(), crate::defect::worst(message.defects()), "ambiguity and defects differ");
}
