//! What can be found in an object, and what kept an engine from looking.

use serde::{Deserialize, Serialize};

use super::{Active, ObjectId, PasswordSource};
use crate::span::Span;
use crate::untrusted::Untrusted;

/// Longest evidence text of one finding, in bytes.
pub const MAX_EVIDENCE: usize = 512;

/// Who looked. The names are stable: they stand in reports, logs and policies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineId {
    /// The walk itself: MIME, unpacking, limits.
    Unpack,
    /// The EICAR test file.
    Eicar,
    /// Lists of hashes.
    HashList,
    /// YARA rules.
    Yara,
    /// An external clamd.
    Clamd,
    /// Who really sent a message: SPF, DKIM, DMARC.
    Auth,
    /// Engines that only tests have.
    Test,
    /// The signs of spam, taken together.
    Spam,
}

impl EngineId {
    /// The engine's name in reports, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unpack => "unpack",
            Self::Eicar => "eicar",
            Self::HashList => "hash_list",
            Self::Yara => "yara",
            Self::Clamd => "clamd",
            Self::Auth => "auth",
            Self::Test => "test",
            Self::Spam => "spam",
        }
    }
}

/// How sure a malware finding is (spec AV-04, AV-05).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Typical of malware: the object is "probably infected".
    Probable,
    /// Known malware: the object is "infected".
    Certain,
}

/// Why an object, or what is inside it, was not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnscannedReason {
    /// Encrypted, and no password opened it.
    Encrypted,
    /// Broken in a way that kept part of it from being read.
    Damaged,
    /// A container of a kind that is not opened here.
    UnknownFormat,
    /// A program that a packer has packed, and that is not unpacked here.
    Packed,
    /// Nested deeper than the limit.
    LimitDepth,
    /// More objects than the limit.
    LimitObjects,
    /// More bytes out than the limit.
    LimitBytes,
    /// Expands more than the limit.
    LimitRatio,
    /// More work than the limit.
    LimitTime,
    /// An archive over the size limit of the policy (spec AR-01, D-12).
    SizeExcluded,
    /// An engine could not look.
    EngineFailed,
    /// One file of an archive that is split over several.
    Volume,
}

impl UnscannedReason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::Encrypted,
        Self::Damaged,
        Self::UnknownFormat,
        Self::Packed,
        Self::LimitDepth,
        Self::LimitObjects,
        Self::LimitBytes,
        Self::LimitRatio,
        Self::LimitTime,
        Self::SizeExcluded,
        Self::EngineFailed,
        Self::Volume,
    ];

    /// The word for it in JSON, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Damaged => "damaged",
            Self::UnknownFormat => "unknown_format",
            Self::Packed => "packed",
            Self::LimitDepth => "limit_depth",
            Self::LimitObjects => "limit_objects",
            Self::LimitBytes => "limit_bytes",
            Self::LimitRatio => "limit_ratio",
            Self::LimitTime => "limit_time",
            Self::SizeExcluded => "size_excluded",
            Self::EngineFailed => "engine_failed",
            Self::Volume => "volume",
        }
    }
}

/// What was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Malware.
    Malware {
        /// The name the engine gives it; letters, digits, `._-/:` only ([`FindingKind::malware`]).
        name: String,
        /// What it is: `test_file`, `trojan`, `dropper`, `macro`, `script`, `virus`, …
        kind: String,
        /// How sure the engine is.
        certainty: Certainty,
    },
    /// The object was not, or not wholly, looked at.
    Unscanned {
        /// Why.
        reason: UnscannedReason,
    },
    /// Something that acts by itself or at a click; a sign, not a verdict.
    Active {
        /// Which.
        what: Active,
    },
    /// The object was encrypted and a password opened it; a sign, not a verdict.
    Opened {
        /// Where the password came from.
        with: PasswordSource,
    },
}

impl FindingKind {
    /// Whether it alone keeps a message from being clean. The others are signs: they are told, and
    /// policies may use them.
    pub fn is_verdict(&self) -> bool {
        match self {
            Self::Malware { .. } | Self::Unscanned { .. } => true,
            Self::Active { .. } | Self::Opened { .. } => false,
        }
    }

    /// A malware finding with a name that is safe in a log, a header and a protocol reply: every
    /// character outside `A-Za-z0-9._-/:` becomes `_`, and it is cut at 128 characters.
    pub fn malware(name: &str, kind: &str, certainty: Certainty) -> Self {
        Self::Malware { name: token(name), kind: token(kind), certainty }
    }
}

/// See [`FindingKind::malware`].
fn token(text: &str) -> String {
    text.chars().take(128).map(|c| if c.is_ascii_alphanumeric() || "._-/:".contains(c) { c } else { '_' }).collect()
}

/// One finding of one engine in one object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Where: the object it was found in.
    pub object: ObjectId,
    /// What.
    pub kind: FindingKind,
    /// Who says so.
    pub engine: EngineId,
    /// The bytes it is about, in the object.
    pub span: Option<Span>,
    /// A short text for people; at most [`MAX_EVIDENCE`] bytes.
    pub evidence: Untrusted<String>,
}

/// Why an engine could not look.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnableWhy {
    /// It reached its time or work limit.
    Time,
    /// It reached its memory limit.
    Memory,
    /// It, or the process it ran in, ended unexpectedly.
    Crashed,
    /// The peer it asks could not be reached or answered with an error.
    Unreachable,
    /// It answered something that makes no sense.
    BadAnswer,
    /// It refuses objects of this size.
    TooLarge,
    /// Its rules or databases could not be loaded.
    NoDatabase,
    /// Nobody ran it on this object.
    NotRun,
    /// The service that runs it is shutting down or out of resources.
    Unavailable,
}

impl UnableWhy {
    /// The word for it in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Crashed => "crashed",
            Self::Unreachable => "unreachable",
            Self::BadAnswer => "bad_answer",
            Self::TooLarge => "too_large",
            Self::NoDatabase => "no_database",
            Self::NotRun => "not_run",
            Self::Unavailable => "unavailable",
        }
    }
}

/// An engine could not look. It never reads as "clean".
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Unable {
    /// Which engine.
    pub engine: EngineId,
    /// Why.
    pub why: UnableWhy,
    /// Details for the log; at most [`MAX_EVIDENCE`] bytes.
    pub detail: Untrusted<String>,
}

impl Unable {
    /// A value with its detail cut to [`MAX_EVIDENCE`] bytes.
    pub fn new(engine: EngineId, why: UnableWhy, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        cut(&mut detail, MAX_EVIDENCE);
        Self { engine, why, detail: Untrusted::new(detail) }
    }
}

/// Cuts a text to at most `max` bytes at a character boundary.
pub(crate) fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malware_names_are_tokens() {
        let FindingKind::Malware { name, .. } =
            FindingKind::malware("Win.Test é\r\nX: y", "trojan", Certainty::Certain)
        else {
            panic!("not malware");
        };
        assert_eq!(name, "Win.Test____X:_y");
    }

    #[test]
    fn details_are_cut_at_a_character() {
        let unable = Unable::new(EngineId::Clamd, UnableWhy::BadAnswer, "é".repeat(MAX_EVIDENCE));
        assert_eq!(unable.detail.raw().len(), MAX_EVIDENCE);
    }
}
