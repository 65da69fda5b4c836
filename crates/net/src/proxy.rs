//! The PROXY header in front of a connection: read to its last byte and no further, because TLS may follow.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wire::proxy::{Header, Progress, read};

/// How long a load balancer may take for its header. It sends it at once; a lost packet takes 3 seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// Whom a load balancer speaks for; `None` for itself.
///
/// # Errors
/// There is no header, or none in time; the connection is of no use.
pub async fn client(mut stream: TcpStream) -> io::Result<(TcpStream, Option<SocketAddr>)> {
    let header = timeout(LIMIT, header(&mut stream)).await;
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no PROXY header in time");
    Ok(match header.map_err(late)?? {
        Header::Own => (stream, None),
        Header::Client(client) => (stream, Some(SocketAddr::new(client.ip().to_canonical(), client.port()))),
    })
}

async fn header(stream: &mut TcpStream) -> io::Result<Header> {
    let mut bytes = Vec::new();
    loop {
        match read(&bytes).map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))? {
            Progress::Done(header) => return Ok(header),
            // The reader has a bound of its own: it does not ask for more than a header may have.
            Progress::More(more) => {
                let have = bytes.len();
                bytes.resize(have.saturating_add(more), 0);
                stream.read_exact(bytes.get_mut(have..).unwrap_or_default()).await?;
            }
        }
    }
}
