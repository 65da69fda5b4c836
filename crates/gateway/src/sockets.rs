//! Sockets that we listen on: TCP, or in the file system with owner and permissions.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use net::stream;
use settings::config::{Listener, MilterListener};
use settings::values::{FileMode, SocketAddress};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Where a listener listens, and who may connect to a socket in the file system.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    listen: &'a SocketAddress,
    mode: FileMode,
    user: &'a str,
    group: &'a str,
}

impl<'a> From<&'a Listener> for Place<'a> {
    fn from(of: &'a Listener) -> Self {
        Self { listen: &of.listen, mode: of.socket_mode, user: &of.socket_user, group: &of.socket_group }
    }
}

impl<'a> From<&'a MilterListener> for Place<'a> {
    fn from(of: &'a MilterListener) -> Self {
        Self { listen: &of.listen, mode: of.socket_mode, user: &of.socket_user, group: &of.socket_group }
    }
}

/// A socket that listens, before anything is accepted on it. One in the file system is removed when it is dropped.
#[derive(Debug)]
pub struct Bound {
    socket: Socket,
    pub(crate) configured: SocketAddress,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    /// With the file that goes away with it; a socket that was given to us stays.
    Unix(UnixListener, Option<PathBuf>),
}

impl Bound {
    /// The address it really has: the port where the configuration says 0.
    pub fn address(&self) -> SocketAddress {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map_or(self.configured.clone(), SocketAddress::Inet),
            Socket::Unix(..) => self.configured.clone(),
        }
    }

    /// The next connection, and its peer's address if it has one.
    pub(crate) async fn accept(&self) -> io::Result<(stream::Socket, Option<SocketAddr>)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok((stream::Socket::Tcp(stream), Some(peer)))
            }
            Socket::Unix(listener, _) => Ok((stream::Socket::Unix(listener.accept().await?.0), None)),
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Socket::Unix(_, Some(path)) = &self.socket {
            let _ = fs::remove_file(path);
        }
    }
}

/// Binds a listener's socket. One in the file system that nobody listens on any more is replaced.
///
/// # Errors
/// What the system says, with the address in the text.
pub fn bind<'a>(place: impl Into<Place<'a>>) -> io::Result<Bound> {
    let place = place.into();
    let fail = |e: io::Error| io::Error::new(e.kind(), format!("cannot listen on {}: {e}", place.listen));
    let socket = match place.listen {
        SocketAddress::Inet(address) => Socket::Tcp(tcp(*address).map_err(fail)?),
        SocketAddress::Unix(path) => Socket::Unix(unix(path, place).map_err(fail)?, Some(path.clone())),
    };
    Ok(Bound { socket, configured: place.listen.clone() })
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A socket that somebody else listens on for us.
#[derive(Debug)]
pub enum GivenSocket {
    /// A TCP socket.
    Tcp(std::net::TcpListener),
    /// One in the file system: its owner and permissions are as they are, and it stays when we end.
    Unix(std::os::unix::net::UnixListener),
}

/// Takes a socket that somebody else listens on for us.
///
/// # Errors
/// What the system says, with the address in the text.
pub fn adopt<'a>(given: GivenSocket, place: impl Into<Place<'a>>) -> io::Result<Bound> {
    let place = place.into();
    let fail =
        |e: io::Error| io::Error::new(e.kind(), format!("cannot use the given socket for {}: {e}", place.listen));
    let socket = match given {
        GivenSocket::Tcp(socket) => {
            socket.set_nonblocking(true).map_err(fail)?;
            Socket::Tcp(TcpListener::from_std(socket).map_err(fail)?)
        }
        GivenSocket::Unix(socket) => {
            socket.set_nonblocking(true).map_err(fail)?;
            Socket::Unix(UnixListener::from_std(socket).map_err(fail)?, None)
        }
    };
    Ok(Bound { socket, configured: place.listen.clone() })
}

fn unix(path: &Path, place: Place<'_>) -> io::Result<UnixListener> {
    let (user, group) = (id_of("/etc/passwd", place.user)?, id_of("/etc/group", place.group)?);
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket()) {
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another program listens there"));
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    let owned = fs::set_permissions(path, Permissions::from_mode(place.mode.0))
        .and_then(|()| if user.or(group).is_some() { chown(path, user, group) } else { Ok(()) });
    if let Err(error) = owned {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(listener)
}

/// The number of a user or a group of this machine; the empty name is none. Only what stands in the file is found.
fn id_of(file: &str, name: &str) -> io::Result<Option<u32>> {
    if name.is_empty() {
        return Ok(None);
    }
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let text = fs::read_to_string(file)?;
    let found = text.lines().find_map(|line| {
        let mut parts = line.split(':');
        (parts.next() == Some(name)).then(|| parts.nth(1)?.parse().ok()).flatten()
    });
    found.map(Some).ok_or_else(|| io::Error::other(format!("there is no {name:?} in {file}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_of_this_machine() {
        assert_eq!(id_of("/etc/passwd", "root").unwrap(), Some(0));
        assert_eq!(id_of("/etc/group", "12").unwrap(), Some(12));
        assert_eq!(id_of("/etc/group", "").unwrap(), None);
        assert!(id_of("/etc/group", "no such group").unwrap_err().to_string().contains("no such group"));
    }

    #[tokio::test]
    async fn a_socket_has_its_permissions_and_is_gone_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("milter.sock");
        let settings = MilterListener {
            listen: SocketAddress::Unix(path.clone()),
            socket_mode: FileMode(0o620),
            ..MilterListener::default()
        };
        let bound = bind(&settings).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        assert_eq!(bind(&settings).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(bound);
        assert!(!path.exists());
        // What a crash has left is replaced; a file of somebody else is not.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        drop(bind(&settings).unwrap());
        fs::write(&path, "mine").unwrap();
        assert!(bind(&settings).is_err() && fs::read(&path).unwrap() == b"mine");
    }
}
