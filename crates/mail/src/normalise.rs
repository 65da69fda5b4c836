//! One unambiguous form of an ambiguous message, that holds exactly the leaves of all its readings.
//!
//! The tree of the strict reading is written anew: one field of each kind of MIME, fresh boundaries,
//! nothing outside of parts, content in base64, quoted-printable or plain 7-bit lines. Leaves that only
//! other readings have are attached behind it, each content once. Fields of the message's own header
//! stay, repaired: what is no field goes, of fields that may stand once the first stays. Text in UTF-7,
//! UTF-16, UTF-32, ISO-2022 or HZ becomes UTF-8. Of the headers of parts stays what all clients read alike:
//! parameters, ids, places, descriptions and dates. The result is read again; it is given only if it has one
//! reading, no defect on which clients differ, and the same leaves. A text that holds a file keeps it, in
//! base64, where hardly a client looks for it; the file is attached as well. Signatures over the message
//! break.

use std::collections::BTreeSet;

use crate::carried::Carried;
use crate::defect::{Ambiguity, worst};
use crate::graph::{Entity, EntityId, Field, Limits, Message, ONCE, Recode, Shape, header_goes_on, parse};
use crate::render::part::{file_name, is_plain, media};
use crate::transfer;

/// Most bytes of all leaves together.
const MAX_CONTENT: u64 = 256 * 1024 * 1024;
/// Subtypes of multipart that are kept; others become `mixed`.
const SUBTYPES: &[&str] = &["mixed", "alternative", "related", "report"];

/// Why a message has no such form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotNormalisable {
    /// It has more readings, parts or levels than are read.
    TooAmbiguous,
    /// Its leaves are larger than 256 MiB together.
    TooLarge,
    /// What was written does not read back as one message with the same leaves.
    Unfaithful,
}

impl std::fmt::Display for NotNormalisable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooAmbiguous => "the message has more readings than are looked at",
            Self::TooLarge => "the message is too large to be rewritten",
            Self::Unfaithful => "the rewritten message would not hold the same content",
        })
    }
}

impl std::error::Error for NotNormalisable {}

/// Writes the form; see the module.
///
/// # Errors
/// See [`NotNormalisable`].
pub fn normalise(message: &Message<'_>) -> Result<Vec<u8>, NotNormalisable> {
    if message.ambiguity() >= Ambiguity::TooAmbiguous {
        return Err(NotNormalisable::TooAmbiguous);
    }
    let mut writer = Writer {
        message,
        end: message.line_end(),
        out: Vec::new(),
        leaves: Vec::new(),
        boundaries: 0,
        left: MAX_CONTENT,
    };
    writer.message()?;
    let Writer { out, leaves, .. } = writer;
    if reads_as(&out, leaves) { Ok(out) } else { Err(NotNormalisable::Unfaithful) }
}

/// Whether a message has one reading with these leaves, and none that clients differ on.
fn reads_as(raw: &[u8], mut leaves: Vec<Vec<u8>>) -> bool {
    let message = parse(raw, &Limits::default());
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut defects = message.defects().to_vec();
    // A text keeps the file that it holds; the file stands as an attachment, too.
    let others = message.leaves().filter(|id| message.entity(*id).is_some_and(|entity| !entity.primary));
    if !others.map(|id| message.content(id, usize::MAX)).all(|other| leaves.iter().any(|leaf| *leaf == *other.bytes)) {
        return false;
    }
    for id in message.primary().filter(|id| message.entity(*id).is_some_and(Entity::is_leaf)) {
        let content = message.content(id, usize::MAX);
        defects.extend(content.defects);
        found.push(content.bytes.into_owned());
    }
    found.sort_unstable();
    leaves.sort_unstable();
    worst(&defects) < Ambiguity::Ambiguous && found == leaves
}

/// What is still to be written.
enum Todo {
    /// An entity with its header.
    Entity(EntityId),
    /// A leaf of another reading.
    Attached(EntityId),
    /// A delimiter.
    Delimiter(String),
    /// A closing delimiter.
    Close(String),
}

struct Writer<'m, 'a> {
    message: &'m Message<'a>,
    end: &'static [u8],
    out: Vec<u8>,
    /// The contents that were written.
    leaves: Vec<Vec<u8>>,
    boundaries: u32,
    left: u64,
}

impl Writer<'_, '_> {
    fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(self.end);
    }

    /// All of it.
    fn message(&mut self) -> Result<(), NotNormalisable> {
        let root = EntityId(0);
        self.own_fields(root);
        self.line("MIME-Version: 1.0");
        let others = self.others();
        let mut todo = Vec::new();
        if others.is_empty() {
            todo.push(Todo::Entity(root));
        } else {
            let boundary = self.multipart("mixed", &Carried::default());
            todo.push(Todo::Close(boundary.clone()));
            for id in others.into_iter().rev() {
                todo.push(Todo::Attached(id));
                todo.push(Todo::Delimiter(boundary.clone()));
            }
            todo.push(Todo::Entity(root));
            todo.push(Todo::Delimiter(boundary));
        }
        while let Some(next) = todo.pop() {
            match next {
                Todo::Entity(id) => self.entity(id, &mut todo)?,
                Todo::Attached(id) => self.leaf(id, true)?,
                Todo::Delimiter(boundary) => self.line(&format!("--{boundary}")),
                Todo::Close(boundary) => self.line(&format!("--{boundary}--")),
            }
        }
        Ok(())
    }

    /// The leaves that only other readings have, each content once. Texts that are another view of
    /// what is written as UTF-8 anyway are left out.
    fn others(&self) -> Vec<EntityId> {
        let mut known: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut out = Vec::new();
        for id in self.message.leaves() {
            let Some(entity) = self.message.entity(id) else { continue };
            let (content, _) = self.content(id, entity);
            let new = known.insert(content);
            if new && !entity.primary {
                out.push(id);
            }
        }
        out
    }

    /// A leaf's content as it is written, and whether it became UTF-8.
    fn content(&self, id: EntityId, entity: &Entity) -> (Vec<u8>, bool) {
        let wide = |recode: Recode| {
            let body = entity.body.of(self.message.buffer(entity.buffer));
            (transfer::decode_text(entity.encoding, recode, body, usize::MAX).bytes, true)
        };
        match crate::charset::recoding(entity.charset.as_deref()) {
            Recode::None => (self.message.content(id, usize::MAX).bytes.into_owned(), false),
            recode if entity.media.starts_with("text/") => wide(recode),
            _ => (self.message.content(id, usize::MAX).bytes.into_owned(), false),
        }
    }

    /// The fields of a message but those of MIME.
    fn own_fields(&mut self, id: EntityId) {
        let Some(entity) = self.message.entity(id) else { return };
        let buffer = self.message.buffer(entity.buffer);
        let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
        for field in self.message.fields(id) {
            let name = field.name.of(buffer).to_ascii_lowercase();
            let mime = name.starts_with(b"content-") || name == b"mime-version";
            let once = ONCE.iter().any(|once| once.as_bytes() == name);
            if mime || (once && !seen.insert(name)) {
                continue;
            }
            self.field(field, buffer);
        }
    }

    /// A field as it stood: its lines end as all do, controls become blanks, empty lines go.
    fn field(&mut self, field: &Field, buffer: &[u8]) {
        self.out.extend_from_slice(field.name.of(buffer));
        self.out.push(b':');
        let value = field.value.of(buffer);
        let mut first = true;
        for line in value.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let blank = line.iter().all(|byte| *byte <= b' ');
            if blank && !first {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.extend_from_slice(self.end);
            }
            let visible = |byte: &u8| if *byte < b' ' && *byte != b'\t' || *byte == 127 { b' ' } else { *byte };
            self.out.extend(line.iter().map(visible));
        }
        self.out.extend_from_slice(self.end);
    }

    /// The header of a multipart; gives its boundary. No content of ours can hold it.
    fn multipart(&mut self, subtype: &str, carried: &Carried) -> String {
        self.boundaries = self.boundaries.saturating_add(1);
        let boundary = format!("=_mailward_{:08}", self.boundaries);
        self.line(&format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"{}", carried.of_type));
        self.fields(carried);
        self.line("");
        boundary
    }

    /// Header and body of an entity; what it holds is put on the stack.
    fn entity(&mut self, id: EntityId, todo: &mut Vec<Todo>) -> Result<(), NotNormalisable> {
        let Some(entity) = self.message.entity(id) else { return Ok(()) };
        let children = self.message.children(id).to_vec();
        match entity.shape() {
            Shape::Leaf => self.leaf(id, false)?,
            Shape::Message => {
                self.line("Content-Type: message/rfc822");
                let carried = self.carried(id);
                self.fields(&carried);
                self.disposition(entity, entity.disposition.as_deref() == Some("attachment"), &carried);
                self.line("");
                for child in children {
                    self.own_fields(child);
                    todo.push(Todo::Entity(child));
                }
            }
            Shape::Multipart => {
                let subtype = entity.media.strip_prefix("multipart/").unwrap_or("mixed");
                let kept = SUBTYPES.iter().find(|known| **known == subtype);
                let mut carried = self.carried(id);
                if kept.is_none() {
                    carried.of_type = String::new();
                }
                let boundary = self.multipart(kept.unwrap_or(&"mixed"), &carried);
                todo.push(Todo::Close(boundary.clone()));
                for child in children.into_iter().rev() {
                    todo.push(Todo::Entity(child));
                    todo.push(Todo::Delimiter(boundary.clone()));
                }
            }
        }
        Ok(())
    }

    /// Header and body of a leaf.
    fn leaf(&mut self, id: EntityId, attached: bool) -> Result<(), NotNormalisable> {
        let Some(entity) = self.message.entity(id) else { return Ok(()) };
        let (content, utf8) = self.content(id, entity);
        self.left = self.left.checked_sub(content.len() as u64).ok_or(NotNormalisable::TooLarge)?;
        let kind = match media(&entity.media) {
            _ if attached => "application/octet-stream",
            "message/rfc822" | "message/global" | "message/news" | "message/partial" | "message/external-body" => {
                "application/octet-stream"
            }
            kind => kind,
        };
        let is_text = kind.starts_with("text/");
        let mut line = format!("Content-Type: {kind}");
        let carried = if attached { Carried::default() } else { self.carried(id) };
        let charset = entity.charset.as_deref().filter(|name| crate::charset::is_known(name));
        match charset {
            _ if !is_text => {}
            _ if utf8 => line.push_str("; charset=utf-8"),
            Some(name) if is_token(name) => line.push_str(&format!("; charset={name}")),
            _ => {}
        }
        if kind == entity.media {
            line.push_str(&carried.of_type);
        }
        self.line(&line);
        let (encoding, body) = self.encoded(&content, is_text);
        self.line(&format!("Content-Transfer-Encoding: {encoding}"));
        self.fields(&carried);
        self.disposition(entity, attached || entity.disposition.as_deref() == Some("attachment"), &carried);
        self.line("");
        self.out.extend_from_slice(&body);
        // The line end of a text that is the whole message is its own.
        if encoding != "quoted-printable" || self.boundaries > 0 {
            self.out.extend_from_slice(self.end);
        }
        self.leaves.push(content);
        Ok(())
    }

    /// The body of a leaf: readable where it can be, and exact in any case. The line end behind it
    /// belongs to the next delimiter; a message of one leaf has its last line end there.
    fn encoded(&self, content: &[u8], is_text: bool) -> (&'static str, Vec<u8>) {
        let end = self.end;
        let ends_well = memchr::memchr_iter(b'\n', content).all(|at| {
            let before = content.get(..at.saturating_add(1)).unwrap_or(content);
            before.ends_with(end) && (end.len() == 2 || !before.ends_with(b"\r\n"))
        });
        let crs = memchr::memchr_iter(b'\r', content).count();
        let exact = ends_well && (crs == 0 || (end.len() == 2 && crs == memchr::memchr_iter(b'\n', content).count()));
        let in_parts = self.boundaries > 0;
        let odd = content.iter().filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n' | 32..=126)).count();
        // What goes on like a header would be taken for one in any form in which it can be read.
        let readable = is_text && exact && header_goes_on(content).is_none();
        if readable && in_parts && is_plain(content) && transfer::embedded::find_as_it_stands(content).is_empty() {
            ("7bit", content.to_vec())
        } else if readable && (in_parts || content.ends_with(end)) && odd <= content.len() / 6 {
            ("quoted-printable", transfer::encode_quoted_printable(content, end))
        } else {
            ("base64", transfer::encode_base64(content, end))
        }
    }

    /// What of a part's header stays.
    fn carried(&self, id: EntityId) -> Carried {
        Carried::of(self.message, id, std::str::from_utf8(self.end).unwrap_or("\r\n"))
    }

    /// The fields that stay.
    fn fields(&mut self, carried: &Carried) {
        for field in &carried.fields {
            self.line(field);
        }
    }

    /// Disposition and name.
    fn disposition(&mut self, entity: &Entity, attached: bool, carried: &Carried) {
        let end = std::str::from_utf8(self.end).unwrap_or("\r\n");
        let name = entity.names.first().map(|name| file_name(name.raw(), end)).unwrap_or_default();
        if attached || !name.is_empty() || entity.disposition.is_some() {
            let kind = if attached { "attachment" } else { "inline" };
            self.line(&format!("Content-Disposition: {kind}{name}{}", carried.of_disposition));
        }
    }
}

/// Whether a charset's name needs no quotes.
fn is_token(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte))
}
