//! One connection, with or without TLS, over TCP or within this machine, that code can read and write without
//! caring which.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, CommonState, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// What is below: a TCP connection, or one through a socket in the file system.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// Within this machine.
    Unix(UnixStream),
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// Without TLS.
    Plain(Socket),
    /// With TLS, as the server.
    ServerTls(Box<server::TlsStream<Socket>>),
    /// With TLS, as the client.
    ClientTls(Box<client::TlsStream<Socket>>),
}

impl From<Socket> for Stream {
    fn from(socket: Socket) -> Self {
        Self::Plain(socket)
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::Plain(Socket::Tcp(stream))
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self::Plain(Socket::Unix(stream))
    }
}

impl Stream {
    /// Starts TLS as the server, within `limit`. Bytes that came before the handshake must have
    /// been thrown away by the caller (RFC 3207 section 4.2): none may be left in a buffer.
    ///
    /// # Errors
    /// The handshake failed or took too long; there is TLS already.
    pub async fn accept_tls(self, config: Arc<ServerConfig>, limit: Duration) -> io::Result<Self> {
        let handshake = TlsAcceptor::from(config).accept(self.plain()?);
        let stream = tokio::time::timeout(limit, handshake).await.map_err(|_| too_slow(limit))??;
        Ok(Self::ServerTls(Box::new(stream)))
    }

    /// Starts TLS as the client, within `limit`; `name` is what the certificate must say, where it
    /// is checked.
    ///
    /// # Errors
    /// The handshake failed or took too long; there is TLS already.
    pub async fn connect_tls(
        self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        limit: Duration,
    ) -> io::Result<Self> {
        let handshake = TlsConnector::from(config).connect(name, self.plain()?);
        let stream = tokio::time::timeout(limit, handshake).await.map_err(|_| too_slow(limit))??;
        Ok(Self::ClientTls(Box::new(stream)))
    }

    fn plain(self) -> io::Result<Socket> {
        match self {
            Self::Plain(stream) => Ok(stream),
            _ => Err(io::Error::other("TLS is active already")),
        }
    }

    /// TLS version and cipher suite (`TLSv1.3 TLS13_AES_256_GCM_SHA384`); `None` without TLS.
    pub fn tls_info(&self) -> Option<String> {
        match self {
            Self::Plain(_) => None,
            Self::ServerTls(stream) => Some(describe(stream.get_ref().1)),
            Self::ClientTls(stream) => Some(describe(stream.get_ref().1)),
        }
    }

    /// Whether there is TLS.
    pub fn is_tls(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// The certificates that the other side showed, its own first; empty if it showed none.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        let shown = match self {
            Self::Plain(_) => None,
            Self::ServerTls(stream) => stream.get_ref().1.peer_certificates(),
            Self::ClientTls(stream) => stream.get_ref().1.peer_certificates(),
        };
        shown.unwrap_or_default()
    }

    /// The certificate that the other side showed, in DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.peer_certificates().first().map(AsRef::as_ref)
    }

    /// The connection below.
    fn socket(&self) -> &Socket {
        match self {
            Self::Plain(stream) => stream,
            Self::ServerTls(stream) => stream.get_ref().0,
            Self::ClientTls(stream) => stream.get_ref().0,
        }
    }

    /// The address of the other side.
    ///
    /// # Errors
    /// The connection is gone, or has no such address because it is within this machine.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self.socket() {
            Socket::Tcp(stream) => stream.peer_addr(),
            Socket::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

fn too_slow(limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("TLS handshake took longer than {} s", limit.as_secs_f32()))
}

fn describe(state: &CommonState) -> String {
    let version = match state.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLS",
    };
    let suite = state.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    format!("{version} {}", suite.unwrap_or("unknown"))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::ServerTls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::ClientTls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::ServerTls(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::ClientTls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::ServerTls(stream) => Pin::new(stream).poll_flush(cx),
            Self::ClientTls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::ServerTls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::ClientTls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
