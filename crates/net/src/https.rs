//! A small HTTPS client: one request a connection, HTTP/1.1, for authorities of certificates (ACME) and
//! policies (MTA-STS).
//!
//! Limits: the time for everything together and the bytes of an answer, both the caller's. Redirects are
//! not followed, compression and cookies are not known, and there is no HTTP without TLS.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use settings::values::HostPort;
use tokio::time::timeout;

use crate::outbound;
use crate::stream::Stream;
use crate::tls::{self, TlsError};

/// The port of `https:` addresses that say none.
const PORT: u16 = 443;
/// Most bytes of the head of an answer.
const MAX_HEAD: usize = 64 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub enum HttpsError {
    /// The address is none of ours.
    Address(String),
    /// No connection, or it broke.
    Connection(String),
    /// TLS failed: the certificate does not fit, most often.
    Tls(String),
    /// What came is no HTTP, or too much.
    Answer(String),
    /// It took longer than this.
    Timeout(Duration),
}

impl fmt::Display for HttpsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address:?} is no https: address"),
            Self::Connection(why) => write!(f, "{why}"),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Answer(why) => write!(f, "its answer cannot be used: {why}"),
            Self::Timeout(limit) => write!(f, "no answer within {} s", limit.as_secs_f32()),
        }
    }
}

impl std::error::Error for HttpsError {}

/// The client. It may be cloned and shared.
#[derive(Clone, Debug)]
pub struct Https {
    tls: Arc<ClientConfig>,
    limit: Duration,
    max_body: usize,
    /// Where to connect whatever the address says: tests have no port 443.
    to: Option<HostPort>,
}

impl Https {
    /// Certificates are checked against the issuers in `ca_file`, or the system's. An answer must come
    /// within `limit` and have at most `max_body` bytes.
    ///
    /// # Errors
    /// The file of issuers cannot be used, or the system has none.
    pub fn new(ca_file: Option<&Path>, limit: Duration, max_body: usize) -> Result<Self, TlsError> {
        Ok(Self { tls: tls::client_config(true, ca_file, None)?, limit, max_body, to: None })
    }

    /// The same, but every connection goes there. The name in the address still counts.
    #[must_use]
    pub fn through(mut self, to: HostPort) -> Self {
        self.to = Some(to);
        self
    }

    /// Sends a request with an absolute `https:` address, and reads the whole answer.
    ///
    /// # Errors
    /// There is no answer within the limits. An answer with an error status is an answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, HttpsError> {
        timeout(self.limit, self.exchange(request)).await.map_err(|_| HttpsError::Timeout(self.limit))?
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, HttpsError> {
        let broken = |e: hyper::Error| HttpsError::Connection(words(&e));
        let stream = self.connect(&mut request).await?;
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // It ends with this exchange: one request a connection.
        let driver = tokio::spawn(connection);
        let answered = async {
            let answer = sender.send_request(request).await.map_err(broken)?;
            self.whole(answer).await
        };
        let answer = answered.await;
        driver.abort();
        answer
    }

    /// Connects where the request wants to go, and makes it one that a server understands.
    async fn connect(&self, request: &mut Request<Full<Bytes>>) -> Result<Stream, HttpsError> {
        let wrong = || HttpsError::Address(request.uri().to_string());
        let uri = request.uri().clone();
        let host = uri.host().filter(|_| uri.scheme_str() == Some("https")).ok_or_else(wrong)?.to_owned();
        let port = uri.port_u16().unwrap_or(PORT);
        let name = tls::server_name(host.trim_start_matches('[').trim_end_matches(']')).map_err(|_| wrong())?;
        let authority = uri.authority().map_or(host.as_str(), |a| a.as_str());
        let authority = HeaderValue::from_str(authority).map_err(|_| wrong())?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(|_| wrong())?;
        *request.uri_mut() = path;
        request.headers_mut().insert(HOST, authority);
        request.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static("Mailward"));
        let target = self.to.clone().unwrap_or(HostPort { host, port });
        let tcp = outbound::connect(&target, self.limit).await.map_err(|e| HttpsError::Connection(e.to_string()))?;
        let shaken = Stream::from(tcp).connect_tls(Arc::clone(&self.tls), name, self.limit).await;
        shaken.map_err(|e: io::Error| HttpsError::Tls(e.to_string()))
    }

    async fn whole(&self, answer: Response<Incoming>) -> Result<Response<Full<Bytes>>, HttpsError> {
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, self.max_body).collect().await;
        let body = body.map_err(|e| HttpsError::Answer(e.to_string()))?.to_bytes();
        Ok(Response::from_parts(head, Full::new(body)))
    }
}

/// An error with what is behind it.
fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
