//! What speaks for a message being spam, bulk mail, or an automatic notice: signs, each with its points.
//!
//! A sign is evidence, never a verdict: `judge` adds the points up, and knows the policy.

use serde::{Deserialize, Serialize};

use crate::untrusted::Untrusted;

/// Most signs of one message.
pub const MAX_SIGNS: usize = 512;
/// Longest evidence text of one sign, in bytes.
pub const MAX_SIGN_EVIDENCE: usize = 200;
/// Longest name of a sign, in bytes.
pub const MAX_SIGN_ID: usize = 48;
/// Most points of one sign, in hundredths, either way.
pub const MAX_SIGN_POINTS: i16 = 1000;

/// Most pictures of one message that are described.
pub const MAX_PICTURES: usize = 16;
/// Most views of one picture.
pub const MAX_VIEWS: usize = 40;

/// Cells of a side of the brightness of a picture's small copy; colours have a third of that.
pub const COPY_SIDE: usize = 96;
/// Bytes of it: the rectangle inside of a plain border, brightness, two colours.
pub const COPY_BYTES: usize = 4 + COPY_SIDE * COPY_SIDE + 2 * (COPY_SIDE / 3) * (COPY_SIDE / 3);

/// One look at a picture: perceptual hashes of 255 bits each, the lowest 64 first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct View {
    /// Of its brightness.
    pub luma: [u64; 4],
    /// Of its edges.
    pub edge: [u64; 4],
}

/// A picture as an eye sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The whole first, then parts of it.
    pub views: Vec<View>,
    /// A small copy of [`COPY_BYTES`], by which pictures are told apart that are near by their views; empty for one
    /// that was learnt before there were copies, and of another length for one that was learnt when they were smaller.
    #[serde(default)]
    pub copy: Vec<u8>,
}

/// What a sign is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignGroup {
    /// Fields that are missing, doubled or malformed.
    Header,
    /// Who the message says it is from, and where answers go.
    Sender,
    /// Who it is to.
    Recipient,
    /// The subject.
    Subject,
    /// The chain of Received fields.
    Route,
    /// Message-ID and Date.
    Identity,
    /// What the writing program says of itself, against what it really writes.
    Program,
    /// The MIME structure.
    Structure,
    /// HTML and what it hides.
    Html,
    /// Addresses of the web.
    Link,
    /// What the text says.
    Phrase,
    /// How the text is written: disguised letters, odd words.
    Disguise,
    /// Languages.
    Language,
    /// Attachments by name and type.
    Attachment,
    /// Several signs that say more together than each does.
    Composite,
    /// Bulk delivery; decides about mass mail, not about spam.
    Bulk,
    /// Delivery reports and automatic replies; decides about formal notifications, not about spam.
    Automatic,
    /// What is known beside the message: services outside, and our own memory.
    Network,
}

impl SignGroup {
    /// Every group, in the order of the documentation.
    pub const ALL: [Self; 18] = [
        Self::Header,
        Self::Sender,
        Self::Recipient,
        Self::Subject,
        Self::Route,
        Self::Identity,
        Self::Program,
        Self::Structure,
        Self::Html,
        Self::Link,
        Self::Phrase,
        Self::Disguise,
        Self::Language,
        Self::Attachment,
        Self::Composite,
        Self::Bulk,
        Self::Automatic,
        Self::Network,
    ];

    /// Most points that signs of this group make together, in hundredths. What one peculiarity of a message
    /// shows in five ways is still one peculiarity: a mail that a small program wrote, with half of the
    /// header missing, is not spam for that.
    pub fn most(self) -> i32 {
        match self {
            Self::Header | Self::Recipient | Self::Language => 200,
            Self::Route | Self::Identity | Self::Program => 300,
            Self::Structure | Self::Html | Self::Disguise => 350,
            Self::Sender | Self::Subject | Self::Link | Self::Attachment => 400,
            Self::Phrase | Self::Composite => 450,
            Self::Bulk | Self::Automatic | Self::Network => 1000,
        }
    }

    /// The word for it in JSON, logs and documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Subject => "subject",
            Self::Route => "route",
            Self::Identity => "identity",
            Self::Program => "program",
            Self::Structure => "structure",
            Self::Html => "html",
            Self::Link => "link",
            Self::Phrase => "phrase",
            Self::Disguise => "disguise",
            Self::Language => "language",
            Self::Attachment => "attachment",
            Self::Composite => "composite",
            Self::Bulk => "bulk",
            Self::Automatic => "automatic",
            Self::Network => "network",
        }
    }
}

/// One sign that was seen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Sign {
    /// Its stable name: lower case letters, digits and `_` (docs/reference/signs.md).
    pub id: String,
    /// What it is about.
    pub group: SignGroup,
    /// Its points in hundredths.
    pub points: i16,
    /// What was seen, for people; at most [`MAX_SIGN_EVIDENCE`] bytes.
    pub evidence: Untrusted<String>,
}

impl Sign {
    /// A sign with its evidence cut to the limit.
    pub fn new(id: &str, group: SignGroup, points: i16, evidence: impl Into<String>) -> Self {
        let mut evidence = evidence.into();
        super::finding::cut(&mut evidence, MAX_SIGN_EVIDENCE);
        Self { id: id.to_owned(), group, points, evidence: Untrusted::new(evidence) }
    }

    /// Whether it is well formed: a worker may have written anything.
    pub(super) fn is_valid(&self) -> bool {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !self.id.is_empty()
            && self.id.len() <= MAX_SIGN_ID
            && self.id.bytes().all(letter)
            && (-MAX_SIGN_POINTS..=MAX_SIGN_POINTS).contains(&self.points)
            && self.evidence.raw().len() <= MAX_SIGN_EVIDENCE
    }
}

/// Which attached files are looked at for spam, beside header and text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Extent {
    /// The text of word processors' files, DOC and DOCX (LM-04) and OpenDocument.
    pub doc: bool,
    /// The text of RTF files (LM-05).
    pub rtf: bool,
    /// The text of PDF files.
    pub pdf: bool,
    /// Attached plain text.
    pub texts: bool,
}

impl Extent {
    /// How many there are.
    pub const COUNT: usize = 1 << 4;
}

/// One look at a message for spam, for those recipients for whom it goes this far (D-21).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Look {
    /// How far it went.
    pub extent: Extent,
    /// What it came to.
    pub seen: SpamSeen,
    /// As [`Facts::hosts`](super::Facts::hosts).
    pub hosts: Vec<String>,
    /// As [`Facts::urls`](super::Facts::urls).
    pub urls: Vec<String>,
    /// As [`Facts::addresses`](super::Facts::addresses).
    pub addresses: Vec<String>,
}

/// What an examination for spam came to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpamSeen {
    /// Nobody asked for it.
    #[default]
    NotAsked,
    /// The signs that were seen, sorted.
    Signs(Vec<Sign>),
    /// It ran out of time (LM-01); whatever was seen before does not count.
    OutOfTime,
    /// It ended unexpectedly.
    Crashed,
}

impl SpamSeen {
    /// The signs that were seen; none where it did not come to an end.
    pub fn signs(&self) -> &[Sign] {
        match self {
            Self::Signs(signs) => signs,
            Self::NotAsked | Self::OutOfTime | Self::Crashed => &[],
        }
    }

    /// Whether it is well formed.
    pub(super) fn is_valid(&self) -> bool {
        self.signs().len() <= MAX_SIGNS && self.signs().iter().all(Sign::is_valid)
    }
}
