//! TLS, connections to next hops, the DNS, and external engines.
//!
//! What the outside answers is a value: a reason in words for the log, or an `Unable` that never
//! reads as "clean".
#![forbid(unsafe_code)]

pub mod acme;
pub mod auth;
pub mod certificates;
pub mod clamd;
pub mod clients;
pub mod dane;
pub mod dns;
pub mod handover;
pub mod https;
pub mod introduce;
pub mod lists;
pub mod outbound;
pub mod proxy;
pub mod stream;
pub mod tls;
pub mod upstream;

pub use clamd::{Clamd, ClamdBody, ClamdHealth, ClamdState, ClamdVersion};
pub use dns::{Answer as DnsAnswer, DnsError, Resolver};
pub use outbound::{ConnectError, connect};
pub use stream::Stream;
pub use tls::TlsError;
