//! The program as it is installed, among real peers, and when things go wrong around it: killed,
//! out of disk, without its next hop, wrongly configured.
//!
//! The long forms are ignored here; `cargo xtask campaign faults` runs them.

mod disk;
mod kill;
mod lmtp;
mod milter;
mod outbox;
mod peers;
mod reload;
mod startup;
mod support;
