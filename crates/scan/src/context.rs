//! What an examination is told beside the bytes.

use serde::{Deserialize, Serialize};
use unpack::Limits;

use crate::spam::SpamContext;

/// How to take the bytes that are handed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A message, whatever it looks like: it came over a mail protocol.
    #[default]
    Message,
    /// What its content says: a file.
    Detect,
}

/// Limits and circumstances of one examination.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Context {
    /// Limits of the walk. Never more objects than `mail::evidence::MAX_OBJECTS`.
    pub limits: Limits,
    /// Archives above this size, in bytes, are excluded from scanning (spec AR-01, D-12).
    pub archive_max_size: Option<u64>,
    /// Work on one archive beyond this much fuel is left undone (spec AR-02).
    pub archive_fuel: Option<u64>,
    /// The name of the file, for what is no message. As somebody else wrote it.
    pub name: Option<String>,
    /// The media type that is declared for what is no message. As somebody else wrote it.
    pub declared: Option<String>,
    /// How to take the bytes.
    pub input: Input,
    /// Look for signs of spam, and what is known for that; only of messages.
    pub spam: Option<SpamContext>,
}
