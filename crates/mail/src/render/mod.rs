//! A message with its rewrite applied, as pieces of bytes.
//!
//! Everything outside the edited spans leaves as it came. Nothing is written but what an
//! [`EditSet`] or [`PatchSet`] says. New text is 7-bit, in lines of at most 78 bytes where its words
//! allow, with the message's own line end.
//!
//! A field put on top goes behind an mbox line `From …`, if the message begins with one. If the
//! header is missing, an empty line is written after our fields; if the message begins with a
//! continuation line, a field of ours takes it, so that it cannot become part of a status line.

use std::borrow::Cow;

use crate::carried::Carried;
use crate::edit::{Edit, EditSet, Grade, Kept, Rewrite};
use crate::graph::{Entity, EntityId, Message};
use crate::patch::{Patch, PatchSet};
use crate::span::Span;

mod field;
pub(crate) mod part;

/// Takes a continuation line that the message begins with.
const ORPHAN_FIELD: &[u8] = b"X-Mailward-Defect: header_without_colon;";

/// Why a rewrite is not rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RenderError {
    /// Content would change and nothing says that the original is kept.
    NotKept,
    /// The rewrite was made for another message.
    OtherMessage,
}

impl std::fmt::Display for RenderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotKept => "the original is not kept",
            Self::OtherMessage => "the rewrite was made for another message",
        })
    }
}

impl std::error::Error for RenderError {}

/// A rewritten message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered<'m> {
    pieces: Vec<Cow<'m, [u8]>>,
}

impl<'m> Rendered<'m> {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    /// Whether it has no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, in order.
    pub fn pieces(&self) -> &[Cow<'m, [u8]>] {
        &self.pieces
    }

    /// Its bytes in one buffer.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// Applies a rewrite. A rewrite of [`Grade::Content`] needs evidence that the original is kept; that
/// it is of this message is for the caller to see to.
///
/// # Errors
/// [`RenderError::NotKept`]; [`RenderError::OtherMessage`] where the lengths tell.
pub fn render<'m>(
    message: &'m Message<'_>,
    rewrite: &'m Rewrite,
    kept: Option<&dyn Kept>,
) -> Result<Rendered<'m>, RenderError> {
    let raw = message.raw();
    match rewrite {
        Rewrite::Untouched => Ok(splice(raw, Vec::new())),
        Rewrite::Patch(patches) => {
            same(raw, patches.raw_len())?;
            Ok(splice(raw, patched(patches)))
        }
        Rewrite::Edit(edits) => {
            same(raw, edits.raw_len())?;
            if edits.grade() >= Grade::Content && kept.is_none() {
                return Err(RenderError::NotKept);
            }
            Ok(splice(raw, edited(message, edits)))
        }
    }
}

/// Applies edits to a message that is a file in another message: to make a new form of the container
/// that holds it. That the outermost original is kept is checked where that is changed, by [`render`].
///
/// # Errors
/// [`RenderError::OtherMessage`] where the lengths tell.
pub fn member<'m>(message: &'m Message<'_>, edits: &'m EditSet) -> Result<Rendered<'m>, RenderError> {
    same(message.raw(), edits.raw_len())?;
    Ok(splice(message.raw(), edited(message, edits)))
}

fn same(raw: &[u8], len: usize) -> Result<(), RenderError> {
    if raw.len() == len { Ok(()) } else { Err(RenderError::OtherMessage) }
}

/// New bytes for a span of the raw message; an empty span is an insertion.
struct Splice<'m> {
    span: Span,
    bytes: Cow<'m, [u8]>,
}

impl<'m> Splice<'m> {
    fn insert(at: u32, bytes: Vec<u8>) -> Self {
        Self { span: Span { start: at, end: at }, bytes: Cow::Owned(bytes) }
    }

    fn cut(span: Span) -> Self {
        Self { span, bytes: Cow::Borrowed(&[]) }
    }
}

/// Puts raw bytes and splices together. Splices at one place keep their order; one that begins
/// inside an earlier one is cut to what is left of it.
fn splice<'m>(raw: &'m [u8], mut splices: Vec<Splice<'m>>) -> Rendered<'m> {
    splices.sort_by_key(|splice| splice.span.start);
    let mut pieces: Vec<Cow<'m, [u8]>> = Vec::with_capacity(splices.len().saturating_mul(2).saturating_add(1));
    let mut at = 0u32;
    for splice in splices {
        push(&mut pieces, Cow::Borrowed(Span { start: at, end: splice.span.start.max(at) }.of(raw)));
        push(&mut pieces, splice.bytes);
        at = at.max(splice.span.end);
    }
    push(&mut pieces, Cow::Borrowed(raw.get(at as usize..).unwrap_or(&[])));
    Rendered { pieces }
}

fn push<'m>(pieces: &mut Vec<Cow<'m, [u8]>>, piece: Cow<'m, [u8]>) {
    if !piece.is_empty() {
        pieces.push(piece);
    }
}

fn patched(patches: &PatchSet) -> Vec<Splice<'_>> {
    let patches = patches.patches().iter();
    patches.map(|Patch { span, bytes }| Splice { span: *span, bytes: Cow::Borrowed(bytes) }).collect()
}

/// The splices of all edits.
fn edited<'m>(message: &'m Message<'_>, edits: &EditSet) -> Vec<Splice<'m>> {
    let Some(root) = message.entity(EntityId(0)) else { return Vec::new() };
    let mut splices = Vec::new();
    let top = top(message, root, edits);
    if !top.is_empty() {
        splices.push(Splice::insert(root.header.start, top));
    }
    let fields = message.fields(EntityId(0));
    for edit in edits.edits() {
        match edit {
            Edit::Prepend { .. } => {}
            Edit::Strip { field } => {
                splices.extend(fields.get(*field as usize).map(|field| Splice::cut(field.whole)));
            }
            Edit::Label { .. } => {}
            Edit::PartField { entity, name, value } => {
                let part = message.entity(*entity);
                splices.extend(part.and_then(|part| part_field(message, part, name.as_str(), value.as_str())));
            }
            Edit::Replace { entity: id, part } => {
                if let Some(entity) = message.entity(*id) {
                    replace(message, *id, entity, part, &mut splices);
                }
            }
            Edit::Beside { entity, part } => {
                splices.extend(message.entity(*entity).and_then(|entity| beside(message, entity, part)));
            }
            Edit::Remove { entity } => {
                splices.extend(message.entity(*entity).and_then(removal).map(Splice::cut));
            }
        }
    }
    splices.extend(subject(message, edits));
    splices
}

/// What is put above the message's own header: the prepended fields, and a Subject if a label needs
/// one.
fn top(message: &Message<'_>, root: &Entity, edits: &EditSet) -> Vec<u8> {
    let line_end = message.line_end();
    let mut out = Vec::new();
    for edit in edits.edits() {
        if let Edit::Prepend { name, value } = edit {
            field::write(name.as_str(), value.as_str(), line_end, &mut out);
        }
    }
    let labels: Vec<&str> = edits.edits().iter().filter_map(Edit::label).collect();
    if !labels.is_empty() && subject_field(message).is_none() {
        field::write("Subject", &labels.join(" "), line_end, &mut out);
    }
    if out.is_empty() {
        return out;
    }
    let before = message.raw().get(..root.header.start as usize).unwrap_or(&[]);
    if !before.is_empty() && !before.ends_with(b"\n") {
        // An mbox line that nothing ends.
        out.splice(0..0, line_end.iter().copied());
    }
    let replaced = edits.edits().iter().any(|edit| matches!(edit, Edit::Replace { entity: EntityId(0), .. }));
    if root.header.is_empty() && !replaced {
        out.extend_from_slice(line_end);
    } else if matches!(root.header.of(message.raw()).first(), Some(b' ' | b'\t')) {
        out.extend_from_slice(ORPHAN_FIELD);
        out.extend_from_slice(line_end);
    }
    out
}

fn subject_field<'m>(message: &'m Message<'_>) -> Option<&'m crate::graph::Field> {
    message.fields(EntityId(0)).iter().find(|field| field.name_is(message.raw(), "subject"))
}

/// The labels in front of the Subject's own value.
fn subject<'m>(message: &'m Message<'_>, edits: &EditSet) -> Option<Splice<'m>> {
    let field = subject_field(message)?;
    let value = field.value.of(message.raw());
    let own = crate::header::decode_words(value);
    let mut text = String::new();
    // What stands there already is passed over, so that a second run adds nothing.
    let mut rest = own.trim_start();
    for label in edits.edits().iter().filter_map(Edit::label) {
        match rest.strip_prefix(label) {
            Some(after) => rest = after.trim_start(),
            None => {
                text.push_str(label);
                text.push(' ');
            }
        }
    }
    if text.is_empty() {
        return None;
    }
    Some(Splice::insert(field.value.start, field::label(&text, value, message.line_end())))
}

/// A field above a part's own header; none where no header is, or where it would take the first line into itself.
fn part_field<'m>(message: &'m Message<'_>, entity: &Entity, name: &str, value: &str) -> Option<Splice<'m>> {
    let first = entity.header.of(message.raw()).first()?;
    let at_line = message.raw().get(..entity.header.start as usize)?.ends_with(b"\n");
    if !at_line || matches!(first, b' ' | b'\t') {
        return None;
    }
    let mut line = Vec::new();
    field::write(name, value, message.line_end(), &mut line);
    Some(Splice::insert(entity.header.start, line))
}

/// The bytes that go with a removed part: from its delimiter to the next one.
fn removal(entity: &Entity) -> Option<Span> {
    let slot = entity.slot?;
    Some(Span { start: slot.delimiter.start, end: slot.end.max(slot.delimiter.end) })
}

/// A part behind another one: with that one's delimiter line, in front of the next.
fn beside<'m>(message: &'m Message<'_>, entity: &Entity, part: &crate::edit::NewPart) -> Option<Splice<'m>> {
    let slot = entity.slot.filter(|slot| slot.followed)?;
    let line_end = message.line_end();
    let new = part::Written::new(part, &Carried::default(), line_end);
    let delimiter = slot.delimiter.of(message.raw());
    let mut bytes = Vec::new();
    // An empty part has no line end in front of the next delimiter.
    if message.raw().get(..slot.end as usize).is_some_and(|before| !before.ends_with(b"\n")) {
        bytes.extend_from_slice(line_end);
    }
    for piece in [delimiter, &new.header, line_end, &new.body, line_end] {
        bytes.extend_from_slice(piece);
    }
    Some(Splice::insert(slot.end, bytes))
}

/// The splices that put `part` in an entity's place.
fn replace<'m>(
    message: &'m Message<'_>,
    id: EntityId,
    entity: &Entity,
    part: &crate::edit::NewPart,
    splices: &mut Vec<Splice<'m>>,
) {
    let line_end = message.line_end();
    let raw = message.raw();
    let mut carried = Carried::default();
    if part.again {
        carried = Carried::of(message, id, std::str::from_utf8(line_end).unwrap_or("\r\n"));
        let same = part.media.split(';').next().is_some_and(|media| media.trim() == entity.media);
        if !same {
            carried.of_type = String::new();
        }
    }
    let new = part::Written::new(part, &carried, line_end);
    if !entity.is_message_head() {
        let mut bytes = new.header;
        bytes.extend_from_slice(line_end);
        bytes.extend_from_slice(&new.body);
        // A part without a byte shares its line end with the delimiter in front of it.
        let slot = entity.slot;
        if slot.is_some_and(|slot| slot.followed && slot.end == entity.whole.end) {
            bytes.extend_from_slice(line_end);
        }
        let start = entity.whole.start;
        if raw.get(..start as usize).is_some_and(|before| !before.ends_with(b"\n")) {
            bytes.splice(0..0, line_end.iter().copied());
        }
        splices.push(Splice { span: entity.whole, bytes: Cow::Owned(bytes) });
        return;
    }
    for field in message.fields(id) {
        let name = field.name.of(raw);
        let is_mime = name.len() >= 8 && name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
        if is_mime || field.name_is(raw, "mime-version") {
            splices.push(Splice::cut(field.whole));
        }
    }
    let header = entity.header.of(raw);
    let last_line = header.strip_suffix(b"\n").map_or(header, |text| text.strip_suffix(b"\r").unwrap_or(text));
    let ended = last_line.len() < header.len() && (last_line.is_empty() || last_line.ends_with(b"\n"));
    let fields_end = if ended { entity.header.start.saturating_add(last_line.len() as u32) } else { entity.header.end };
    let mut bytes = Vec::new();
    if !ended && !header.is_empty() && last_line.len() == header.len() {
        bytes.extend_from_slice(line_end);
    }
    bytes.extend_from_slice(b"MIME-Version: 1.0");
    bytes.extend_from_slice(line_end);
    bytes.extend_from_slice(&new.header);
    bytes.extend_from_slice(line_end);
    bytes.extend_from_slice(&new.body);
    let end = entity.whole.end.max(fields_end);
    splices.push(Splice { span: Span { start: fields_end, end }, bytes: Cow::Owned(bytes) });
}
