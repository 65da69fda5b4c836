//! What this installation remembers about a message's like: answers of its own memory, recorded so that a
//! verdict can be made again.

use serde::{Deserialize, Serialize};

/// A picture of the message that is known from spam.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownPicture {
    /// Its number in the sample base.
    pub id: i64,
    /// In how many bits of 255 the two differ.
    pub distance: u32,
    /// Which of the message's pictures it is, from 0.
    pub at: u32,
}

/// Answers of our own memory.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The nearest known picture of spam (LM-06).
    pub picture: Option<KnownPicture>,
}
