//! The filter side of the milter protocol, version 2 to 6, as Sendmail and Postfix speak it.
//!
//! A packet is a length (u32, big-endian, of what follows), a command letter and a payload. [`server::Server`] reads
//! the packets of one connection with a mail server and writes what a filter answers; [`edits`] finds the header
//! changes that make one header out of another.
//!
//! Limits: a packet has at most [`PACKET_MAX`] bytes, one chunk of a new body [`CHUNK_MAX`]. Not handled: body chunks
//! larger than a packet (we never agree to them), and the letters that a mail server uses between its own programs.

pub mod command;
pub mod edits;
pub mod macros;
pub mod options;
pub mod packet;
pub mod reply;
pub mod server;

/// Most bytes of one packet, its length field not counted.
pub const PACKET_MAX: usize = 1 << 20;
/// Most bytes of one chunk of a new body.
pub const CHUNK_MAX: usize = 65_535;

pub use command::{Connect, Event, Family, Stage};
pub use options::{Agreed, Wanted};
pub use reply::{Answer, Change, ChangeFault};
pub use server::{Fault, Server, Step};
