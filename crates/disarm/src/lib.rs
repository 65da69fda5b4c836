//! Rebuilding a file without its dangerous parts.
//!
//! [`remove`] takes out what a [`Wish`] names: contents by their hash, and active content of documents.
//! A rebuild either carries everything that is to remain, or is refused: whoever asked then falls back
//! to something coarser. Whatever comes out is examined again before it is used.
//!
//! Pure: no files, sockets, clocks, threads or randomness.
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

mod bytes;
mod error;
mod flat;
pub mod formats;
#[doc(hidden)]
pub mod fuzzing;
mod html;
mod message;
mod odf;
mod ole2;
mod ooxml;
mod ooxml_elements;
mod ooxml_names;
mod pdf;
mod remove;
mod rtf;
mod sevenz;
mod shared;
mod stream;
mod tar;
mod xlsb;
mod xml;
mod zip;

pub use error::DisarmError;
pub use remove::{MAX_REMOVALS, Rebuilt, Removal, Wish, remove};
pub use zip::zip_without;
