//! Helpers for tests: servers and clients of the protocols we speak, sample mail, temporary places.
//!
//! Only ever a dev-dependency. What goes wrong here panics with a message that names it, because a
//! test is the only caller there is.

#![forbid(unsafe_code)]

pub mod bombs;
pub mod client;
pub mod daemon;
pub mod dns;
pub mod dovecot;
pub mod milter;
pub mod mutate;
pub mod packed;
pub mod peers;
pub mod postfix;
pub mod sample;
pub mod sendmail;
pub mod sink;
pub mod tls;

use std::net::TcpListener;
use std::time::{Duration, Instant};

pub use client::{Client, Reply};
pub use daemon::Daemon;
pub use dns::{DnsServer, DnsTrick};
pub use dovecot::Dovecot;
pub use milter::Mta;
pub use mutate::mutated;
pub use postfix::Postfix;
pub use sample::eicar;
pub use sendmail::Sendmail;
pub use sink::{Action, Behaviour, Outcome, Point, Received, Sink};

/// How long a wait in these helpers lasts before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A TCP port on 127.0.0.1 that was free a moment ago. Nothing holds it: use it soon.
pub fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
    socket.local_addr().expect("the socket has an address").port()
}

/// The CPU time that this thread has used since. For tests that bound what work costs: by the clock on the wall they
/// would fail where something else runs on the machine.
#[derive(Clone, Copy, Debug)]
pub struct CpuClock(Duration);

impl CpuClock {
    /// From here on.
    pub fn now() -> Self {
        Self(cpu_time())
    }

    /// CPU time of this thread since then; of no other thread.
    pub fn elapsed(&self) -> Duration {
        cpu_time().saturating_sub(self.0)
    }
}

/// The CPU time that this thread has used in all.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().expect("it never runs backwards, below 0")
}

/// Waits until `ready` says yes; panics after `limit` with `what` it waited for.
pub async fn wait_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
