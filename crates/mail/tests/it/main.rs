//! Tests of the crate through its public values.

mod ambiguity;
mod bounds;
mod cost;
mod differential;
mod edits;
mod generate;
mod golden;
mod oracle;
mod properties;
mod rewrites;
