//! TLS, connections to next hops, and external engines.
//!
//! What the outside answers is a value: a reason in words for the log, or an `Unable` that never
//! reads as "clean".
#![forbid(unsafe_code)]

pub mod acme;
pub mod certificates;
pub mod clamd;
pub mod https;
pub mod outbound;
pub mod stream;
pub mod tls;
pub mod upstream;

pub use clamd::{Clamd, ClamdBody, ClamdHealth, ClamdState, ClamdVersion};
pub use outbound::{ConnectError, connect};
pub use stream::Stream;
pub use tls::TlsError;
