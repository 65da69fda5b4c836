//! Connecting to a host by name: every address of it is tried, within one time limit.
//!
//! The addresses share the limit, so that one that does not answer leaves time for the next.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use settings::values::HostPort;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;
/// How long a connection may be silent before the system asks whether the other side is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Why no connection was made.
#[derive(Debug)]
pub enum ConnectError {
    /// The name has no address.
    Resolve {
        /// Where to.
        target: HostPort,
        /// The resolver's words.
        why: String,
    },
    /// No address answered.
    Refused {
        /// Where to.
        target: HostPort,
        /// Each address with what it said.
        tried: Vec<(SocketAddr, String)>,
    },
    /// The time was up before any address was tried.
    TimedOut {
        /// Where to.
        target: HostPort,
        /// The limit.
        limit: Duration,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { target, why } => write!(f, "{target}: no address for {}: {why}", target.host),
            Self::TimedOut { target, limit } => {
                write!(f, "{target}: looking up {} took longer than {} s", target.host, limit.as_secs_f32())
            }
            Self::Refused { target, tried } => {
                write!(f, "{target}: no connection")?;
                for (at, (address, why)) in tried.iter().enumerate() {
                    write!(f, "{} {address}: {why}", if at == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConnectError {}

/// Connects to a socket in the file system, within `limit`.
///
/// # Errors
/// What the system says, in words for the log.
pub async fn connect_unix(path: &Path, limit: Duration) -> Result<UnixStream, String> {
    let said = |why: &str| format!("unix:{}: no connection: {why}", path.display());
    match timeout(limit, UnixStream::connect(path)).await {
        Err(_) => Err(said("no answer in time")),
        Ok(connected) => connected.map_err(|error| said(&words(&error))),
    }
}

/// Connects, within `limit` in all.
///
/// # Errors
/// What each address said, in words for the log.
pub async fn connect(target: &HostPort, limit: Duration) -> Result<TcpStream, ConnectError> {
    connect_to(target, &[], limit).await
}

/// The same; where addresses are known already they are used, and nothing is looked up.
///
/// # Errors
/// As for [`connect`].
pub async fn connect_to(target: &HostPort, known: &[SocketAddr], limit: Duration) -> Result<TcpStream, ConnectError> {
    let deadline = Instant::now() + limit;
    let timed_out = || ConnectError::TimedOut { target: target.clone(), limit };
    let addresses = match known.is_empty() {
        false => known.to_vec(),
        true => match timeout(limit, lookup_host((target.host.as_str(), target.port))).await {
            Err(_) => return Err(timed_out()),
            Ok(Err(error)) => return Err(ConnectError::Resolve { target: target.clone(), why: error.to_string() }),
            Ok(Ok(found)) => found.take(MAX_ADDRESSES).collect(),
        },
    };
    if addresses.is_empty() {
        return Err(ConnectError::Resolve { target: target.clone(), why: "the name has none".to_owned() });
    }
    let mut tried = Vec::new();
    for (at, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let others = u32::try_from(addresses.len() - at).unwrap_or(1);
        match timeout_at(Instant::now() + left / others, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                set_options(&stream);
                return Ok(stream);
            }
            Ok(Err(error)) => tried.push((*address, words(&error))),
            Err(_) => tried.push((*address, "no answer in time".to_owned())),
        }
    }
    Err(ConnectError::Refused { target: target.clone(), tried })
}

/// Without them the connection works as well, only slower to notice a dead peer.
fn set_options(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    if let Err(error) = stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_tcp_keepalive(&keepalive)) {
        tracing::debug!(%error, "socket options");
    }
}

/// An error without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
