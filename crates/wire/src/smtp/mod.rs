//! SMTP (RFC 5321): the server's side, the client's side, and what both share.

pub mod auth;
pub mod client;
pub mod command;
pub mod extensions;
pub mod path;
pub mod reply;
pub mod server;
pub mod xclient;
pub mod xforward;
pub mod xtext;
