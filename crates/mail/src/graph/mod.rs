//! A message as a graph of entities over its untouched bytes.
//!
//! An [`Entity`] is a span of a buffer with a transfer decoding. It has one or more [`Reading`]s, and
//! a reading has child entities. Reading 0 is the strict one; [`Message::primary`] walks the tree
//! that ordinary code sees. File names and charsets are sets on a leaf, not readings. [`parse`] never
//! fails: it gives a tree, and the [`Defect`]s that were in the way.
//!
//! Where clients differ, an entity gets further readings (`readings`): each has one child, a *facet*,
//! which is the same entity read in another way, with a structure of its own. What comes out as a
//! known leaf is that leaf ([`Message::leaves`] gives each once), and a reading without a leaf of its
//! own is not kept. Readings are alternatives at one entity and never multiply: at most
//! [`MAX_READINGS`] an entity, and in all [`MAX_READINGS_FACTOR`] times the entities and bytes of the
//! primary tree, or [`MIN_EXTRA_ENTITIES`] and [`MIN_EXTRA_BYTES`] where that is more.
//!
//! Not looked at: TNEF, the pieces of a message/partial together.

use serde::{Deserialize, Serialize};

use crate::span::Span;
use crate::untrusted::Untrusted;

mod build;
mod chained;
mod choice;
mod guess;
mod head;
mod intern;
mod leaf;
mod lines;
mod message;
mod names;
mod readings;
mod scan;
mod tries;

pub use guess::looks_like_message;
pub(crate) use head::ONCE;
pub use message::{Content, Leaves, MAX_FACT, Message, Primary};
pub(crate) use scan::header_goes_on;

/// Most readings of one entity.
pub const MAX_READINGS: usize = 8;
/// Entities of all readings together, as a multiple of those of the primary tree.
pub const MAX_READINGS_FACTOR: usize = 3;
/// Entities that further readings may add to a message, however small it is.
pub const MIN_EXTRA_ENTITIES: usize = 64;
/// Bytes that further readings may look at again, however small the message is.
pub const MIN_EXTRA_BYTES: usize = 256 * 1024;
/// Most defects that are kept of one message; the ambiguity counts those beyond it, too.
pub const MAX_DEFECTS: usize = 10_000;

/// An entity's place in the arena; the top message is 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct EntityId(pub u32);

/// A buffer: 0 is the message's raw bytes, others are decoded bodies that the message owns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct BufferId(pub u32);

impl BufferId {
    /// The raw bytes.
    pub const RAW: Self = Self(0);
}

/// How much of a message is read. What lies beyond stays visible as the body of a leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Deepest entity; the root is 0.
    pub depth: u16,
    /// Entities in all.
    pub entities: u32,
    /// Header fields in all.
    pub fields: u32,
    /// Bytes of one header.
    pub header_bytes: u32,
    /// Bytes of decoded buffers kept in all.
    pub decoded_bytes: u64,
    /// Whether further readings are looked for; without them the leaves are not all that clients may
    /// find. For measuring.
    pub readings: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            entities: 10_000,
            fields: 20_000,
            header_bytes: 1024 * 1024,
            decoded_bytes: 64 * 1024 * 1024,
            readings: true,
        }
    }
}

/// How a body is encoded (RFC 2045 section 6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// 7bit, 8bit, binary, or nothing said.
    Identity,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
    /// Something else; the body is taken as it stands.
    Unknown,
    /// Base64 up to its first whole padding. This and what follows occur in other readings only.
    Base64ToPadding,
    /// Base64 up to the first character outside the alphabet.
    Base64ToJunk,
    /// The lines that are base64 from end to end.
    Base64CleanLines,
    /// Base64 up to its first `=`, wherever it stands.
    Base64ToAnyPadding,
    /// Base64 with padding passed over, and a byte for a single sextet at the end.
    Base64NoPadding,
    /// Base64, each line for itself.
    Base64ByLine,
    /// Base64 with a byte for a single sextet in front of padding or at the end.
    Base64Lone,
    /// Base64 with the alphabet for URLs.
    Base64Url,
    /// Base64 up to two empty lines in a row.
    Base64ToGap,
    /// Base64 in groups of four characters, of which padding is one wherever it stands.
    Base64Places,
    /// The same with padding as nothing but bytes that are missing at the end of its group; a last group
    /// that is not complete is text.
    Base64Groups,
    /// Quoted-printable without the `=` of an escape that is none.
    QuotedPrintableDrop,
    /// Quoted-printable without an escape that is none and the two characters behind it.
    QuotedPrintableSkip,
    /// Quoted-printable without blanks behind an `=`, and without bare CRs.
    QuotedPrintableBlanks,
    /// Quoted-printable with bare CRs as line ends.
    QuotedPrintableCr,
    /// Quoted-printable with no soft break where blanks follow the `=`.
    QuotedPrintableBreak,
    /// Quoted-printable with lines as they are from their first damage on.
    QuotedPrintableRaw,
    /// Quoted-printable without the bytes that must not stand in it: those above 127, and controls.
    QuotedPrintableVisible,
    /// Quoted-printable without an escape that has but one digit, or with it put together over a line end.
    QuotedPrintableHalf,
    /// Quoted-printable with an escape that is none as the byte of the digits that it begins with, or zero.
    QuotedPrintableZero,
    /// Quoted-printable with each character above U+00FF as its lowest byte.
    QuotedPrintableLow,
    /// Quoted-printable in which a blank behind `=` makes a soft break of it that takes the rest of the line along.
    QuotedPrintableToEnd,
    /// Quoted-printable with an escape that is none left as it is, the two characters behind it included.
    QuotedPrintableKeep,
    /// Quoted-printable with `==` for itself.
    QuotedPrintablePair,
    /// Quoted-printable with `==` for `=`.
    QuotedPrintableOne,
    /// The text without its NUL bytes.
    NoNul,
    /// The text without each NUL byte and what follows it up to the next line.
    NulToLine,
    /// uuencode, with its `begin` line.
    Uuencode,
    /// The same without lines that are not as long as they say; what is over on one is a line of its own.
    UuencodeEven,
    /// The same up to an empty line, each line with as many bytes as it says.
    UuencodeToGap,
    /// The same as one stream: a group goes on in the next line, and what is over on a line begins with a length.
    UuencodeStream,
    /// The same with zeros for what a line should have and has not.
    UuencodeFilled,
    /// yEnc, with its `=ybegin` line.
    Yenc,
    /// BinHex 4.0.
    BinHex,
    /// Base64 between `begin-base64` and `====`.
    Base64Block,
}

/// How the text of a leaf becomes UTF-8 for engines, behind the transfer decoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recode {
    /// It stays as it is.
    #[default]
    None,
    /// From UTF-7.
    Utf7,
    /// From UTF-16 or UTF-32: the byte order by its mark, or else by where the zeros stand.
    Wide,
    /// From ISO-2022-JP.
    Iso2022Jp,
    /// From ISO-2022-KR.
    Iso2022Kr,
    /// From ISO-2022-CN.
    Iso2022Cn,
    /// From HZ.
    Hz,
}

/// What a reading takes an entity for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Content of its own.
    Leaf,
    /// Parts between delimiters.
    Multipart,
    /// One message: its only child.
    Message,
}

/// One way to read an entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// What it is taken for.
    pub shape: Shape,
    /// What it consists of, in order. In a reading that is not the first: facets, each the same
    /// entity, or bytes of it, read in another way.
    pub children: Vec<EntityId>,
}

/// One entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entity {
    /// The entity that holds it; `None` for the top message.
    pub parent: Option<EntityId>,
    /// The buffer of its spans.
    pub buffer: BufferId,
    /// All of it; the line end in front of a delimiter belongs to the delimiter.
    pub whole: Span,
    /// Its header, the empty line that ends it included.
    pub header: Span,
    /// Its body.
    pub body: Span,
    /// Its number as in IMAP (RFC 9051 section 6.4.5.1): a message that is no multipart is part `1`
    /// of itself, the parts of a multipart are `1`, `2`, `2.1`; those of a message that is part 3
    /// are `3.1`, `3.2`. A message that is a multipart has the number of what holds it (the top
    /// message: none). A facet has the number of its entity, `~` and a number: `2~1`, and its parts
    /// `2~1.1`.
    pub part: String,
    /// The media type as `type/subtype` in lower case, by its header or by default.
    pub media: String,
    /// The transfer encoding.
    pub encoding: Encoding,
    /// The charset as written, in lower case.
    pub charset: Option<String>,
    /// The names that clients may show, decoded, the likeliest first: of Content-Disposition, then of
    /// Content-Type. At most 16, each at most 1024 bytes; of a longer one head and end are kept.
    pub names: Vec<Untrusted<String>>,
    /// The disposition (`attachment`, `inline`, …) in lower case.
    pub disposition: Option<String>,
    /// How deep it lies; the root is 0.
    pub depth: u16,
    /// Whether it belongs to the tree of the strict readings.
    pub primary: bool,
    /// How its text becomes UTF-8; only leaves of other readings have one.
    pub recode: Recode,
    /// The ways to read it, never none; the first is the strict one.
    pub readings: Vec<Reading>,
    /// Its fields, as a range of the message's fields.
    pub(crate) fields: (u32, u32),
    /// Where it stands in a multipart.
    pub(crate) slot: Option<Slot>,
    /// Whether it is another view of its parent, not a part of it.
    pub(crate) facet: bool,
}

/// The place of a part in its multipart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    /// The delimiter line in front of the part, its line end included.
    pub(crate) delimiter: Span,
    /// Where the next delimiter line begins, or what holds the part ends.
    pub(crate) end: u32,
    /// Whether a delimiter of the same multipart follows.
    pub(crate) followed: bool,
}

impl Entity {
    /// What the strict reading takes it for.
    pub fn shape(&self) -> Shape {
        self.readings.first().map_or(Shape::Leaf, |reading| reading.shape)
    }

    /// Whether the strict reading gives it content of its own.
    pub fn is_leaf(&self) -> bool {
        self.shape() == Shape::Leaf
    }

    /// Whether people would call it an attachment: a part (or a message inside a message) that has a
    /// name or the disposition `attachment`, or a leaf that is not text. A multipart never is, broken
    /// or not, unless it says so.
    pub fn is_attachment(&self) -> bool {
        let named = !self.names.is_empty() || self.disposition.as_deref() == Some("attachment");
        match self.shape() {
            Shape::Multipart => false,
            Shape::Message => named,
            Shape::Leaf => named || !(self.media.starts_with("text/") || self.media.starts_with("multipart/")),
        }
    }

    /// Whether it has the header of a message of its own: the root, or the child of a message part.
    pub(crate) fn is_message_head(&self) -> bool {
        self.slot.is_none()
    }
}

/// One header field. Its spans lie in its entity's buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// The name without the colon and white space in front of it.
    pub name: Span,
    /// What follows the colon, folds included, without the final line end.
    pub value: Span,
    /// All of it, with its final line end.
    pub whole: Span,
}

impl Field {
    /// Whether the field has this name, in whatever case.
    pub fn name_is(&self, buffer: &[u8], name: &str) -> bool {
        self.name.of(buffer).eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Reads a message. Never fails: always a tree, plus what was wrong. Linear in the size of `raw`
/// and in the decoded buffers. Bytes beyond [`crate::span::MAX_BUFFER`] are not looked at
/// ([`crate::defect::DefectCode::LimitReached`]).
pub fn parse<'a>(raw: &'a [u8], limits: &Limits) -> Message<'a> {
    build::parse(raw, limits)
}
