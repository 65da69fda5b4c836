//! The engines that look at one object and report what they see.
//!
//! Pure: built from bytes and texts, never from paths; they know no policy, no message and no
//! envelope. An engine says what it found, or that it was unable to look; it never says "clean":
//! that is concluded from a closed report.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]
#![forbid(unsafe_code)]

use std::time::Duration;

use mail::evidence::{EngineId, FileKind, FindingKind, Unable};
use mail::span::Span;

#[doc(hidden)]
pub mod fuzzing;
pub mod image;
pub mod malware;
pub mod spam;

/// One object, as an engine sees it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectView<'a> {
    /// Its content, decoded.
    pub bytes: &'a [u8],
    /// What it is by its content.
    pub kind: FileKind,
    /// The name a client would most likely show, if it has one. As the sender wrote it.
    pub name: Option<&'a str>,
    /// Names that other clients would show.
    pub other_names: &'a [&'a str],
    /// SHA-256 of `bytes`.
    pub sha256: &'a [u8; 32],
    /// How deep it lies; the root is 0.
    pub depth: u16,
    /// Whether it is what was handed to us: the raw message, or the file.
    pub root: bool,
}

/// What an engine saw in one object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Detection {
    /// What it is.
    pub kind: FindingKind,
    /// The bytes it is about, in the object.
    pub span: Option<Span>,
    /// A short text for people; the caller cuts it and treats it as foreign.
    pub evidence: String,
}

/// An engine that looks at objects one by one.
pub trait ObjectEngine: Send + Sync {
    /// Who it is.
    fn id(&self) -> EngineId;

    /// Looks at one object and pushes what it sees onto `found`, which keeps what was seen before
    /// an error. `limit` bounds the wall time of one look; an engine whose work is linear in the
    /// object's size with a small factor may ignore it.
    ///
    /// # Errors
    /// [`Unable`] when it could not look at all of the object.
    fn examine(&self, object: &ObjectView<'_>, limit: Duration, found: &mut Vec<Detection>) -> Result<(), Unable>;
}

/// Something that could not be loaded: a rule file, a hash list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadProblem {
    /// For which engine.
    pub engine: EngineId,
    /// The name of the source, as it was given (a file name, mostly).
    pub source: String,
    /// The line in the source, from 1, where one is known.
    pub line: Option<u32>,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for LoadProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{}: {}", self.source, line, self.message),
            None => write!(f, "{}: {}", self.source, self.message),
        }
    }
}

impl std::error::Error for LoadProblem {}
