//! One pump a protocol: socket, machine, service.
//!
//! A pump owns sockets and time; the machine (`wire`) owns the protocol; the service decides. Only
//! here does anybody speak to a peer. A message is accepted only with proof that somebody else has
//! it: see [`responsibility`].
#![forbid(unsafe_code)]

mod accept;
mod certificates;
mod content;
mod each;
mod early;
mod envelope;
mod hop;
mod legs;
mod listen;
pub mod milter;
mod origin;
mod permits;
mod received;
mod relay;
mod responsibility;
mod session;
mod sockets;
mod split;
mod transaction;

pub use listen::{Gateway, Node};
pub use sockets::{Bound, GivenSocket, Place, adopt, bind};
