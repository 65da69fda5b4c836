//! Scan workers: forked, limited, replaceable processes; the only crate with unsafe code.
//!
//! What a sender wrote is parsed in a process that can be lost. A single-threaded *host* process
//! is executed, loads rules and signatures once ([`Job::load`]) and forks *workers*, which share
//! them copy-on-write. A worker takes message after message ([`Job::run`]); it is killed at its
//! deadline, replaced after any failure and retired after a number of messages.
//!
//! ```text
//!  Pool (daemon, tokio) ──control socket──▶ host (loads, forks, reaps)
//!        │  one stream socket a worker            │ fork
//!        └────────────────────────────────────▶ worker (runs the job, limited)
//! ```
//!
//! - In: a request and a body, either as bytes in the socket or as the descriptor of a spool file,
//!   which the worker maps (docs/decisions/0002-worker-hop.md).
//! - Out: bytes and blobs in one frame. The pool never takes a descriptor from a worker, checks
//!   every length against [`Limits`] before it makes room, and grows its buffer only as bytes come.
//! - Bytes in, bytes out: what a job does, and what its bytes mean, is its caller's affair.
//!
//! Linux only. A worker has its limits, no new rights, a filter of system calls, and Landlock's
//! denial of files, TCP and signals, as far as the kernel has it (docs/decisions/0009-confinement.md).

#![cfg(target_os = "linux")]

mod config;
mod control;
mod exchange;
mod failure;
mod filter;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod launch;
mod log;
mod pool;
mod sys;
mod worker;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use config::{Limits, PoolConfig};
pub use failure::{Failure, StartError, WorkerExit};
pub use host::host_main;
pub use pool::{Pool, Status};

/// What the workers of a pool do.
///
/// `load` runs once in the host, before it forks; it must start no thread and should keep no
/// descriptor open (workers close all they inherit, and can open no file). `run` is called in a worker, for one message
/// after another, with whatever state earlier messages left.
pub trait Job: Sized {
    /// Loads rules and signatures from the bytes of [`PoolConfig::init`]. The error text reaches
    /// the caller of [`Pool::start`] or [`Pool::reload`] as [`StartError::Load`].
    fn load(init: &[u8]) -> Result<Self, String>;

    /// Looks at one message. `stop` becomes true when most of the time is gone: what was found so
    /// far should then be returned at once. A panic ends the worker.
    fn run(&mut self, request: &[u8], body: &[u8], stop: &Arc<AtomicBool>) -> Reply;
}

/// What a job answers. In the daemon it is what a worker *wrote*: bounded, and nothing more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// The answer itself.
    pub bytes: Vec<u8>,
    /// Rebuilt parts and the like, in the order of the job.
    pub blobs: Vec<Vec<u8>>,
}

/// The bytes a worker looks at.
#[derive(Clone, Debug)]
pub enum Body {
    /// Bytes in memory; they go through the socket.
    Memory(Arc<[u8]>),
    /// The first `1` bytes of a file, usually an unlinked spool file. The worker maps them
    /// read-only; nobody may shorten the file while [`Pool::run`] lasts.
    File(Arc<OwnedFd>, u64),
}

impl Body {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Memory(bytes.into())
    }
}

impl From<Arc<[u8]>> for Body {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Memory(bytes)
    }
}
