//! Mail as bytes and as structure, and what was found in it.
//!
//! Pure: no files, sockets, clocks, threads or randomness. The same bytes give the same values.
//! Nothing here recurses on a sender's depth, and nothing allocates by a number a sender wrote.

pub mod address;
pub mod arrival;
pub mod defect;
pub mod evidence;
pub mod graph;
pub mod span;
pub mod untrusted;
