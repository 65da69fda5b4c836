//! What machines and the command line ask of a running daemon: health and figures over HTTP
//! ([`http`]), administration over a local socket ([`control`]).
#![forbid(unsafe_code)]

pub mod control;
#[doc(hidden)]
pub mod fuzzing;
pub mod health;
pub mod http;
mod limited;
