//! The command line with the real program: what it prints, and how it exits.

mod acme;
mod backup;
mod config;
mod daemon;
mod dmarc;
mod doctor;
mod explain;
mod lists;
mod log;
mod pipes;
mod policy;
mod scan;
mod spam;
mod supervisor;
mod support;
mod terminal;
