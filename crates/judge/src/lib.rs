//! The policy, and every decision made from it.
//!
//! Pure: a report, an arrival and a policy go in, a plan comes out; nothing here looks at bytes,
//! speaks to anybody or knows the time. Engines report, only this crate decides.
//!
//! The way of a decision: [`draft::draft`] finds the rules that apply and what they wish;
//! [`plan::plan`] weighs the wishes, within what the surface [`can`](can::can), into a
//! [`plan::Plan`].
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]
#![forbid(unsafe_code)]

pub mod auth;
pub mod can;
mod decides;
pub mod draft;
pub mod early;
mod fields;
#[doc(hidden)]
pub mod fuzzing;
pub mod lists;
pub mod notice;
pub mod origin;
pub mod plan;
pub mod policy;
pub mod rate;
pub mod site;
pub mod spam;
pub mod status;
pub mod units;
mod weigh;
