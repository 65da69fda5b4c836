//! Mail protocols as machines without I/O: bytes in, steps out.
//!
//! Pure: no sockets, files, clocks, threads or randomness. A machine is fed bytes in pieces of any size and hands
//! out steps; the same bytes give the same steps however they were cut. Every buffer has a named limit.

#![forbid(unsafe_code)]
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

pub mod certificate;
pub mod clamd;
pub mod dot;
pub mod line;
pub mod milter;
pub mod octets;
pub mod proxy;
pub mod secret;
pub mod smtp;
pub mod sts;
pub mod text;

mod queue;

#[doc(hidden)]
pub mod fuzzing;
