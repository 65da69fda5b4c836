//! Tests of the crate through its public values.

mod cost;
mod edits;
mod generate;
mod golden;
mod oracle;
mod properties;
