//! What an examination asks of the world outside, and what it is told.
//!
//! Everything that is not in the message comes in through here, so that a recorded verdict can be
//! replayed.

use serde::{Deserialize, Serialize};

use super::{Certainty, EngineId, Unable};

/// One question.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// What does this external engine say of the raw message?
    External {
        /// The engine.
        engine: EngineId,
    },
}

/// What an external engine says.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalVerdict {
    /// It found nothing.
    Clean,
    /// It found malware.
    Infected {
        /// The name it gave, as it came over the wire.
        name: String,
        /// How sure it is (`Heuristics.` names are probable).
        certainty: Certainty,
    },
    /// It says that it could not open the content (`Heuristics.Encrypted.*`).
    Encrypted {
        /// The name it gave.
        name: String,
    },
}

/// One answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The external engine answered.
    External {
        /// Which engine.
        engine: EngineId,
        /// What it said.
        verdict: ExternalVerdict,
    },
    /// It could not be asked, or did not answer in time.
    Unable(Unable),
}
