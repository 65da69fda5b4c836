//! Placeholder module head; replaced by the graph proper.
use serde::{Deserialize, Serialize};
/// An entity's place in the arena; the top message is 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct EntityId(pub u32);
