//! What the service manager is told (sd_notify(3)) and gives us (sd_listen_fds(3)). Without a service
//! manager nothing happens.
//!
//! The worker host is executed without an environment, so it neither tells nor takes anything.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::time::Duration;

use listenfd::ListenFd;

/// Tells the service manager something: lines of `NAME=value`.
pub fn tell(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else { return };
    let bytes = path.as_encoded_bytes();
    let address = match bytes.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&path),
    };
    let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager cannot be told how we are");
    }
}

/// We serve from now on.
pub fn ready(status: &str) {
    tell(&format!("READY=1\nSTATUS={status}"));
}

/// A reload begins; [`ready`] ends it.
pub fn reloading() {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let microseconds = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
    tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=reloading"));
}

/// We stop from now on.
pub fn stopping() {
    tell("STOPPING=1\nSTATUS=stopping: messages that are coming in are taken through first");
}

/// How often the service manager wants to hear from us, if it does: half of its time limit.
pub fn watchdog() -> Option<Duration> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let limit = number("WATCHDOG_USEC").filter(|limit| meant && *limit > 1)?;
    Some(Duration::from_micros(limit / 2))
}

/// Sockets that the service manager listens on for us.
#[derive(Debug, Default)]
pub struct Given {
    /// TCP sockets.
    pub tcp: Vec<TcpListener>,
    /// Sockets in the file system.
    pub unix: Vec<UnixListener>,
}

/// The sockets that the service manager listens on for us, each with its address.
pub fn sockets() -> Given {
    let mut given = ListenFd::from_env();
    let mut sockets = Given::default();
    for at in 0..given.len() {
        if let Ok(Some(socket)) = given.take_unix_listener(at) {
            sockets.unix.push(socket);
            continue;
        }
        match given.take_tcp_listener(at) {
            Ok(Some(socket)) => sockets.tcp.push(socket),
            Ok(None) => {}
            Err(error) => tracing::warn!(at, %error, "a socket of the service manager is of no use to us"),
        }
    }
    sockets
}

#[cfg(test)]
mod tests {
    use super::*;

    // Tests of this program share its environment, and setting it is unsafe: what is told is seen by
    // the tests that run the program itself (tests/cli/daemon.rs).
    #[test]
    fn without_a_service_manager_nothing_is_wanted() {
        assert!(std::env::var_os("NOTIFY_SOCKET").is_none() && watchdog().is_none());
        assert!(sockets().tcp.is_empty() && sockets().unix.is_empty());
        tell("READY=1");
    }
}
