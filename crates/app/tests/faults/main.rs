//! The program as it is installed, among real peers, and when things go wrong around it: killed,
//! out of disk, without its next hop, wrongly configured.
//!
//! The long forms are ignored here; `cargo xtask campaign faults` runs them.

mod behind;
mod clients;
mod disarm;
mod disk;
mod full;
mod kill;
mod lmtp;
mod milter;
mod outbox;
mod outgoing;
mod peers;
mod reload;
mod sender;
mod sizes;
mod startup;
mod stopped;
mod support;
mod workers;
