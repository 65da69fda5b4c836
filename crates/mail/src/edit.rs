//! Edits: changes of a message by meaning, checked when they are put together, applied by
//! [`crate::render`]. Nothing else changes a message.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::arrival::MessageId;
use crate::graph::{BufferId, EntityId, Message, Recode, Shape};
use crate::patch::PatchSet;

/// Longest header name, in bytes.
pub const MAX_HEADER_NAME: usize = 76;
/// Longest header value, in bytes.
pub const MAX_HEADER_VALUE: usize = 16 * 1024;

/// Why a header name or value is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadHeader {
    /// The name is empty, over [`MAX_HEADER_NAME`], or holds more than printable ASCII without colon.
    Name,
    /// The value holds a control character other than TAB.
    Control,
    /// The value is over [`MAX_HEADER_VALUE`].
    TooLong,
}

impl std::fmt::Display for BadHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Name => "not a header name",
            Self::Control => "a header value with a control character",
            Self::TooLong => "a header value over 16 KiB",
        })
    }
}

impl std::error::Error for BadHeader {}

/// The name of a header field (RFC 5322 section 2.2: printable ASCII without the colon).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct HeaderName(String);

impl HeaderName {
    /// A name of at most [`MAX_HEADER_NAME`] bytes.
    ///
    /// # Errors
    /// [`BadHeader::Name`].
    pub fn new(name: &str) -> Result<Self, BadHeader> {
        let valid = name.bytes().all(|byte| (33..=126).contains(&byte) && byte != b':');
        if name.is_empty() || name.len() > MAX_HEADER_NAME || !valid {
            return Err(BadHeader::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value of a header field. It cannot hold a line end, NUL or any control but TAB: one value is
/// one field. Folding and encoded words are the renderer's.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct HeaderValue(String);

impl HeaderValue {
    /// A value of at most [`MAX_HEADER_VALUE`] bytes.
    ///
    /// # Errors
    /// [`BadHeader::Control`], [`BadHeader::TooLong`].
    pub fn new(value: impl Into<String>) -> Result<Self, BadHeader> {
        let value = value.into();
        if value.len() > MAX_HEADER_VALUE {
            return Err(BadHeader::TooLong);
        }
        if value.chars().any(is_forbidden) {
            return Err(BadHeader::Control);
        }
        Ok(Self(value))
    }

    /// A value from any text: what it cannot hold becomes `?`, and it is cut at [`MAX_HEADER_VALUE`].
    pub fn lossy(value: &str) -> Self {
        let value = value.get(..value.floor_char_boundary(MAX_HEADER_VALUE)).unwrap_or("");
        Self(value.chars().map(|c| if is_forbidden(c) { '?' } else { c }).collect())
    }

    /// The value as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Controls of ASCII and Latin-1 but TAB, and the two line separators of Unicode.
fn is_forbidden(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// How much an edit takes from a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Nothing is changed.
    #[default]
    None,
    /// Header lines above the message's own, and forged ones removed.
    Trace,
    /// The subject, or a part's header, is marked.
    Mark,
    /// Parts are replaced or removed: the original must be kept.
    Content,
}

/// A part that the renderer writes. It chooses the transfer encoding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NewPart {
    /// Its media type; what is no `type/subtype` of tokens becomes `application/octet-stream`. A charset may
    /// follow: `text/html; charset=koi8-r`.
    pub media: String,
    /// Whether the body is text in UTF-8 (adds `charset=utf-8`).
    pub charset_utf8: bool,
    /// Its file name.
    pub name: Option<String>,
    /// Whether it is an attachment; else it is shown inline.
    pub attachment: bool,
    /// Its content, not encoded.
    pub body: Vec<u8>,
    /// Whether it is the part in whose place it stands, made anew: then what says how it belongs to others (its
    /// id and location), and of the same type the parameters, stay.
    pub again: bool,
}

/// The declared type of a text with the charset of its bytes, for [`NewPart::media`]: the one that the part declares,
/// or UTF-8 where it was recoded to be read.
pub fn with_charset(message: &Message<'_>, entity: EntityId, declared: &str) -> String {
    let entity = message.entity(entity).filter(|_| declared.starts_with("text/"));
    match entity.map(|entity| (entity.recode, &entity.charset)) {
        Some((recode, _)) if recode != Recode::None => format!("{declared}; charset=utf-8"),
        Some((_, Some(charset))) => format!("{declared}; charset={charset}"),
        _ => declared.to_owned(),
    }
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// A field above the message's own header. Several stand in the order in which they are given.
    Prepend {
        /// Its name.
        name: HeaderName,
        /// Its value.
        value: HeaderValue,
    },
    /// The root's field with this index in [`Message::fields`] is removed.
    Strip {
        /// The index.
        field: u32,
    },
    /// The text and a blank are put in front of the first Subject, unless it begins with the text
    /// already. A message without a Subject gets one.
    Label {
        /// The text.
        text: HeaderValue,
    },
    /// A field above the header of a part, one that is not the message itself. Where the part's header is missing
    /// there is no place for one, and nothing is done.
    PartField {
        /// The part.
        entity: EntityId,
        /// The field's name.
        name: HeaderName,
        /// Its value.
        value: HeaderValue,
    },
    /// An entity is replaced. Of a message (the root, or the child of a message part) the Content-…
    /// and MIME-Version fields and the body are; its other fields stay.
    Replace {
        /// The entity.
        entity: EntityId,
        /// What takes its place.
        part: NewPart,
    },
    /// A part is put behind an entity that is a part of a multipart, with another one or the end behind it.
    Beside {
        /// The entity in front of it.
        entity: EntityId,
        /// The new part.
        part: NewPart,
    },
    /// A part of a multipart is removed with its delimiter. One part must stay.
    Remove {
        /// The part.
        entity: EntityId,
    },
}

impl Edit {
    /// How much it takes.
    pub fn grade(&self) -> Grade {
        match self {
            Self::Prepend { .. } | Self::Strip { .. } => Grade::Trace,
            Self::Label { .. } | Self::PartField { .. } => Grade::Mark,
            Self::Replace { .. } | Self::Beside { .. } | Self::Remove { .. } => Grade::Content,
        }
    }

    /// The entity whose content it changes.
    fn target(&self) -> Option<EntityId> {
        match self {
            Self::Replace { entity, .. } | Self::Remove { entity } => Some(*entity),
            _ => None,
        }
    }

    /// Fields first, then parts, in the order of the message; edits of one kind stay as given.
    fn order(&self) -> (u8, u32) {
        match self {
            Self::Prepend { .. } => (0, 0),
            Self::Strip { field } => (1, *field),
            Self::Label { .. } => (2, 0),
            // In front of what takes the part's place.
            Self::PartField { entity, .. } => (3, entity.0),
            Self::Replace { entity, .. } | Self::Remove { entity } => (4, entity.0),
            Self::Beside { entity, .. } => (5, entity.0),
        }
    }
}

/// Why edits are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EditError {
    /// There is no such entity.
    NoEntity(EntityId),
    /// The root has no field of this index.
    NoField(u32),
    /// The entity lies in a decoded buffer, or only another reading has it: edit what holds it.
    NotEditable(EntityId),
    /// It is no part of a multipart, so it cannot be removed.
    NotAPart(EntityId),
    /// All parts of this multipart would be removed.
    LastPart(EntityId),
    /// The entity lies inside another one that is replaced or removed.
    Nested(EntityId),
    /// Two edits of one entity.
    Twice(EntityId),
    /// Two edits of one field.
    FieldTwice(u32),
    /// The same label twice.
    LabelTwice,
    /// The Subject is stripped and labelled.
    LabelStripped,
}

impl std::fmt::Display for EditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoEntity(id) => write!(f, "no entity {}", id.0),
            Self::NoField(field) => write!(f, "no field {field}"),
            Self::NotEditable(id) => write!(f, "entity {} lies in an encoded one", id.0),
            Self::NotAPart(id) => write!(f, "entity {} is no part of a multipart", id.0),
            Self::LastPart(id) => write!(f, "all parts of entity {} would be removed", id.0),
            Self::Nested(id) => write!(f, "entity {} lies inside another edited one", id.0),
            Self::Twice(id) => write!(f, "entity {} is edited twice", id.0),
            Self::FieldTwice(field) => write!(f, "field {field} is stripped twice"),
            Self::LabelTwice => f.write_str("a label is put twice"),
            Self::LabelStripped => f.write_str("the subject is stripped and labelled"),
        }
    }
}

impl std::error::Error for EditError {}

/// Edits that fit one message, sorted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EditSet {
    edits: Vec<Edit>,
    raw_len: usize,
}

impl EditSet {
    /// Checks that every edit can be done, and that no two are about the same bytes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(message: &Message<'_>, mut edits: Vec<Edit>) -> Result<Self, EditError> {
        edits.sort_by_key(Edit::order);
        check_fields(message, &edits)?;
        check_targets(message, &edits)?;
        Ok(Self { edits, raw_len: message.raw().len() })
    }

    /// The highest grade of the edits.
    pub fn grade(&self) -> Grade {
        self.edits.iter().map(Edit::grade).max().unwrap_or_default()
    }

    /// The edits: fields first, then parts in the order of the message.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The length of the message it was made for, in bytes.
    pub fn raw_len(&self) -> usize {
        self.raw_len
    }
}

/// Strips and labels.
fn check_fields(message: &Message<'_>, edits: &[Edit]) -> Result<(), EditError> {
    let root = EntityId(0);
    let fields = message.fields(root);
    let subject = fields.iter().position(|field| field.name_is(message.raw(), "subject"));
    let labels: Vec<&str> = edits.iter().filter_map(Edit::label).collect();
    let mut stripped = BTreeSet::new();
    for edit in edits {
        if let Edit::Strip { field } = edit {
            if *field as usize >= fields.len() {
                return Err(EditError::NoField(*field));
            }
            if !stripped.insert(*field) {
                return Err(EditError::FieldTwice(*field));
            }
            if subject == Some(*field as usize) && !labels.is_empty() {
                return Err(EditError::LabelStripped);
            }
        }
    }
    let unique: BTreeSet<&&str> = labels.iter().collect();
    if unique.len() < labels.len() { Err(EditError::LabelTwice) } else { Ok(()) }
}

impl Edit {
    /// A label's text.
    pub(crate) fn label(&self) -> Option<&str> {
        match self {
            Self::Label { text } => Some(text.as_str()),
            _ => None,
        }
    }
}

/// Replacements and removals.
fn check_targets(message: &Message<'_>, edits: &[Edit]) -> Result<(), EditError> {
    let mut targets = BTreeSet::new();
    let mut inner = Vec::new();
    for edit in edits {
        if let Edit::PartField { entity: id, .. } = edit {
            let entity = message.entity(*id).ok_or(EditError::NoEntity(*id))?;
            if entity.buffer != BufferId::RAW || !entity.primary || *id == EntityId(0) {
                return Err(EditError::NotEditable(*id));
            }
            // A part that is replaced may get a field above its new header; one that is removed has none.
            if edits.iter().any(|other| matches!(other, Edit::Remove { entity } if entity == id)) {
                return Err(EditError::Nested(*id));
            }
            inner.push(*id);
            continue;
        }
        if let Edit::Beside { entity: id, .. } = edit {
            let entity = message.entity(*id).ok_or(EditError::NoEntity(*id))?;
            if entity.buffer != BufferId::RAW || !entity.primary {
                return Err(EditError::NotEditable(*id));
            }
            if !entity.slot.is_some_and(|slot| slot.followed) {
                return Err(EditError::NotAPart(*id));
            }
            continue;
        }
        let Some(id) = edit.target() else { continue };
        let entity = message.entity(id).ok_or(EditError::NoEntity(id))?;
        if entity.buffer != BufferId::RAW || !entity.primary {
            return Err(EditError::NotEditable(id));
        }
        if !targets.insert(id) {
            return Err(EditError::Twice(id));
        }
        if matches!(edit, Edit::Remove { .. }) && entity.slot.is_none() {
            return Err(EditError::NotAPart(id));
        }
        inner.push(id);
    }
    // Every ancestor of a target, and of a part that gets a field, must be left alone; depth bounds the walk.
    for id in &inner {
        let mut above = message.entity(*id).and_then(|entity| entity.parent);
        while let Some(parent) = above {
            if targets.contains(&parent) {
                return Err(EditError::Nested(*id));
            }
            above = message.entity(parent).and_then(|entity| entity.parent);
        }
    }
    check_last_parts(message, edits)
}

/// No multipart may lose all its parts.
fn check_last_parts(message: &Message<'_>, edits: &[Edit]) -> Result<(), EditError> {
    let mut removed = std::collections::BTreeMap::new();
    for edit in edits {
        let Edit::Remove { entity } = edit else { continue };
        let Some(parent) = message.entity(*entity).and_then(|entity| entity.parent) else { continue };
        *removed.entry(parent).or_insert(0usize) += 1;
    }
    for (parent, count) in removed {
        let is_multipart = message.entity(parent).is_some_and(|entity| entity.shape() == Shape::Multipart);
        if is_multipart && count >= message.children(parent).len() {
            return Err(EditError::LastPart(parent));
        }
    }
    Ok(())
}

/// What is done to the bytes of a message.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewrite {
    /// Nothing.
    #[default]
    Untouched,
    /// Spans are overwritten at equal length.
    Patch(PatchSet),
    /// It is edited.
    Edit(EditSet),
}

/// Evidence that the original of a message is durable. Implemented only by the store, whose receipt
/// cannot be made in another way.
pub trait Kept {
    /// The message that is kept.
    fn message(&self) -> MessageId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_is_one_line() {
        for bad in ["a\r\nb", "a\nb", "a\0b", "a\x1bb", "a\u{85}b", "a\u{2028}b"] {
            assert_eq!(HeaderValue::new(bad), Err(BadHeader::Control), "{bad:?}");
            assert!(HeaderValue::new(HeaderValue::lossy(bad).as_str()).is_ok(), "{bad:?}");
        }
        assert!(HeaderValue::new("ü\ta").is_ok());
        assert_eq!(HeaderValue::new("a".repeat(MAX_HEADER_VALUE + 1)), Err(BadHeader::TooLong));
        assert_eq!(HeaderValue::lossy(&"ü".repeat(MAX_HEADER_VALUE)).as_str().len(), MAX_HEADER_VALUE);
        assert_eq!(HeaderValue::lossy("a\r\nb").as_str(), "a??b");
    }

    #[test]
    fn a_header_name_is_a_token() {
        for bad in ["", "a b", "a:", "ü", "a\r\n", &"a".repeat(77)] {
            assert_eq!(HeaderName::new(bad), Err(BadHeader::Name), "{bad:?}");
        }
        assert_eq!(HeaderName::new("X-Mailward-Status").map(|n| n.as_str().len()), Ok(17));
    }
}
