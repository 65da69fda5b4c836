//! Mail as bytes and as structure, and what was found in it.
//!
//! Pure: no files, sockets, clocks, threads or randomness. The same bytes give the same values.
//! Nothing here recurses on a sender's depth, and nothing allocates by a number a sender wrote.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

pub mod address;
pub mod arrival;
mod carried;
pub mod charset;
pub mod defect;
pub mod dsn;
pub mod edit;
pub mod evidence;
pub mod filename;
#[doc(hidden)]
pub mod fuzzing;
pub mod graph;
pub mod header;
pub mod letters;
pub mod neutralise;
pub mod normalise;
pub mod patch;
pub mod punycode;
pub mod render;
mod shifted;
pub mod span;
pub mod transfer;
pub mod untrusted;
