//! What a pool is told: which program, how many workers, and their limits.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most workers of one pool.
pub(crate) const MAX_WORKERS: usize = 256;

/// What one worker may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Address space in bytes beyond what the host already maps; the mapped body counts. It is
    /// `RLIMIT_AS`: the only limit that also covers shared anonymous memory, which `RLIMIT_DATA`
    /// does not see. A worker over it fails with [`crate::Failure::Memory`].
    pub memory_bytes: u64,
    /// Processor time for one message, in seconds (rounded up by at most one).
    pub cpu_seconds: u32,
    /// Highest descriptor number plus one; at least 8, of which five are in use.
    pub open_files: u32,
    /// Longest [`crate::Reply::bytes`], in bytes.
    pub reply_max: usize,
    /// Most [`crate::Reply::blobs`]; at most 65,535.
    pub blobs_max: usize,
    /// Most bytes of all blobs of a reply together.
    pub blob_bytes_max: usize,
}

impl Default for Limits {
    /// 512 MiB, 60 s, 16 files; replies of 8 MiB and 64 blobs of 128 MiB together.
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            cpu_seconds: 60,
            open_files: 16,
            reply_max: 8 << 20,
            blobs_max: 64,
            blob_bytes_max: 128 << 20,
        }
    }
}

/// How a pool is started.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The program whose `main` calls [`crate::host_main`]; usually ourselves. An absolute path:
    /// the host runs in `/`, with an empty environment.
    pub program: PathBuf,
    /// Its arguments. They are visible in the process list.
    pub args: Vec<OsString>,
    /// What [`crate::Job::load`] gets.
    pub init: Vec<u8>,
    /// How many workers; 1 to 256, other values are brought into that range.
    pub workers: usize,
    /// Most requests that wait for a worker; the next one is [`crate::Failure::Overloaded`].
    pub queue: usize,
    /// Bodies up to this many bytes may use any worker; larger ones never take the last one, if
    /// there is more than one.
    pub small_lane_bytes: u64,
    /// What a worker may use.
    pub limits: Limits,
    /// After how many messages a worker is replaced.
    pub retire_after: u32,
    /// How long the host may take to load.
    pub start_timeout: Duration,
}

impl PoolConfig {
    /// Our own program (`/proc/self/exe`) with these arguments, and otherwise the defaults: two
    /// workers, a queue of 1,024, a small lane of 1 MiB, 5,000 messages a worker, 60 s to load.
    pub fn new<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Self {
        Self {
            program: PathBuf::from("/proc/self/exe"),
            args: args.into_iter().map(Into::into).collect(),
            init: Vec::new(),
            workers: 2,
            queue: 1024,
            small_lane_bytes: 1 << 20,
            limits: Limits::default(),
            retire_after: 5000,
            start_timeout: Duration::from_secs(60),
        }
    }
}
