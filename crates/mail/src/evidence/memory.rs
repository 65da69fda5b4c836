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

/// Whether the author of a message is known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Contact {
    /// The memory was kept long enough to say that somebody is new.
    pub settled: bool,
    /// The address has written here before, as well proven as now.
    pub address: bool,
    /// Somebody of its domain has.
    pub domain: bool,
    /// The address has written to one of these recipients.
    pub recipient: bool,
    /// Somebody here has written to the address.
    pub written: bool,
}

impl Contact {
    /// Whether the author is known to be new: never wrote here, was never written to.
    pub fn is_first(&self) -> bool {
        self.settled && !self.address && !self.written
    }
}

/// Answers of our own memory.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The nearest known picture of spam (LM-06).
    pub picture: Option<KnownPicture>,
    /// Whether the author is known; `None` where that was not asked.
    pub contact: Option<Contact>,
}
