//! The policy, and every decision made from it.
//!
//! Pure: a report, an arrival and a policy go in, a plan comes out; nothing here looks at bytes,
//! speaks to anybody or knows the time. Engines report, only this crate decides.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]
#![forbid(unsafe_code)]

pub mod policy;
pub mod units;
