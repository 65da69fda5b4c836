//! Connections for the HTTP endpoints that cannot cost much: so many at once, each for so long and
//! with so many bytes from the peer. One request a connection makes these limits the request's own.
//!
//! A connection that reaches a limit is closed without an answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// Most connections at once; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 128;
/// How long a connection lives, from its start to the end of the answer.
const LIFE: Duration = Duration::from_secs(10);
/// Most bytes of a request, head and body together.
const MAX_REQUEST: usize = 32 * 1024;
/// How long to wait after the system could not give a connection (no descriptors, above all).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A listener whose connections are limited.
pub(crate) struct Limited {
    listener: TcpListener,
    slots: Arc<Semaphore>,
}

impl Limited {
    /// Around a listener that is bound.
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener, slots: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
    }
}

impl axum::serve::Listener for Limited {
    type Io = Connection;
    type Addr = ();

    async fn accept(&mut self) -> (Connection, ()) {
        loop {
            // The semaphore is never closed.
            let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok((stream, _)) => return (Connection::new(stream, slot), ()),
                Err(error) => {
                    tracing::warn!(%error, "an HTTP connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection that ends by itself.
pub(crate) struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    /// Bytes that may still come.
    left: usize,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn new(stream: TcpStream, slot: Option<OwnedSemaphorePermit>) -> Self {
        Self { stream, end: Box::pin(sleep(LIFE)), left: MAX_REQUEST, _slot: slot }
    }

    fn check_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check_time(cx)?;
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        let came = buf.filled().len().saturating_sub(before);
        match self.left.checked_sub(came) {
            Some(left) => self.left = left,
            None => {
                // A read that fails has read nothing.
                buf.set_filled(before);
                return Poll::Ready(Err(io::Error::other("the request is too long")));
            }
        }
        result
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check_time(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use axum::serve::Listener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{Instant, timeout};

    use super::*;

    async fn limited() -> (Limited, std::net::SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Limited::new(listener), address)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_in_time_whether_it_reads_or_writes() {
        let (mut listener, address) = limited().await;
        let started = Instant::now();
        let _silent = TcpStream::connect(address).await.unwrap();
        let (mut connection, ()) = listener.accept().await;
        assert_eq!(connection.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), LIFE.as_secs());
        assert_eq!(connection.write_all(b"late").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_request_over_the_limit_is_cut_off() {
        let (mut listener, address) = limited().await;
        let mut peer = TcpStream::connect(address).await.unwrap();
        let (mut connection, ()) = listener.accept().await;
        let sending = tokio::spawn(async move { peer.write_all(&vec![b'x'; MAX_REQUEST + 1]).await });
        let mut all = Vec::new();
        assert!(connection.read_to_end(&mut all).await.is_err());
        sending.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn connections_beyond_the_most_wait_until_one_ends() {
        let (mut listener, address) = limited().await;
        let (mut peers, mut held) = (Vec::new(), Vec::new());
        for _ in 0..MAX_CONNECTIONS {
            peers.push(TcpStream::connect(address).await.unwrap());
            held.push(listener.accept().await);
        }
        peers.push(TcpStream::connect(address).await.unwrap());
        assert!(timeout(Duration::from_millis(100), listener.accept()).await.is_err(), "it waits");
        held.pop();
        timeout(Duration::from_secs(5), listener.accept()).await.expect("there is room again");
    }
}
