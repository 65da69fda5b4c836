//! A connection to a next hop: the client machine with a socket and time limits.
//!
//! Each call sends one command and waits for its answer. Time-outs are those of RFC 5321 section
//! 4.5.3.2, or the caller's deadline if it comes first. After an error the connection is of no use;
//! nothing was accepted unless a success reply to [`Upstream::end`] came back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64_simd::STANDARD;
use rustls::ClientConfig;
use settings::config::{ClientInfo, HopTls};
use settings::values::HopPlace;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use wire::secret::Secret;
use wire::smtp::client::{Answer, Asked, Client, ClientFault, NotQueued};
use wire::smtp::extensions::Extensions;
use wire::smtp::reply::Reply;
use wire::smtp::xclient::XclientName;

use crate::certificates::Held;
use crate::stream::Stream;
use crate::{outbound, tls};

/// Time to wait for the greeting and for the answers to EHLO, MAIL and RCPT (RFC 5321 4.5.3.2.1-3).
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(300);
/// Time to wait for the answer to DATA (RFC 5321 4.5.3.2.4).
pub const DATA_TIMEOUT: Duration = Duration::from_secs(120);
/// Time to wait for one block of content to go out (RFC 5321 4.5.3.2.5).
pub const BLOCK_TIMEOUT: Duration = Duration::from_secs(180);
/// Time to wait for the answer to the end of the content (RFC 5321 4.5.3.2.6).
pub const END_TIMEOUT: Duration = Duration::from_secs(600);
/// Time to wait for the answer to QUIT before the connection is simply closed.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest line of a login, in bytes: what fits a command line with room to spare.
const MAX_LOGIN: usize = 255;
/// How much is read from the socket at once, in bytes.
const READ_SIZE: usize = 4096;

/// A next hop and how to speak with it.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Where it listens.
    pub address: HopPlace,
    /// Its addresses, if they are known already; else they are looked up.
    pub addresses: Vec<SocketAddr>,
    /// What it is called in figures, if that is not its address: there are many servers in the DNS.
    pub label: Option<Arc<str>>,
    /// Whether TLS is used.
    pub tls: HopTls,
    /// Whether the settings of TLS check certificates.
    pub verify: bool,
    /// The settings of TLS.
    pub tls_config: Arc<ClientConfig>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// Our name in EHLO.
    pub hostname: String,
    /// Whom to log in as; only over TLS, or on this machine.
    pub login: Option<Arc<Login>>,
    /// The certificate that we show if it asks for one; `tls_config` has it already.
    pub own: Option<Arc<Held>>,
    /// What it is told of clients.
    pub client_info: ClientInfo,
    /// It speaks LMTP (RFC 2033).
    pub lmtp: bool,
    /// The addresses that we listen at ourselves: a connection to one of them is a loop.
    pub ours: Arc<[SocketAddr]>,
}

impl Hop {
    /// Whether mail may go to it in clear after TLS has failed: nobody asked for more than TLS where it
    /// works (RFC 7435). A password never does.
    pub fn may_fall_back(&self) -> bool {
        self.tls == HopTls::Opportunistic && !self.verify && self.login.is_none()
    }
}

/// A user and its password. Its `Debug` form shows neither.
pub struct Login {
    user: String,
    password: Secret,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(..)")
    }
}

impl Login {
    /// Reads `user:password`: one line, the user without a colon.
    ///
    /// # Errors
    /// What is wrong; never with anything of the text.
    pub fn parse(text: &str) -> std::result::Result<Self, &'static str> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (user, password) = line.split_once(':').ok_or("it is not one line user:password")?;
        if user.is_empty() || password.is_empty() || line.len() > MAX_LOGIN || line.chars().any(char::is_control) {
            return Err("it is not one line user:password");
        }
        Ok(Self { user: user.to_owned(), password: Secret::new(password.as_bytes().to_vec()) })
    }

    /// The response of PLAIN (RFC 4616).
    fn plain(&self) -> Secret {
        let plain = [b"\0".as_slice(), self.user.as_bytes(), b"\0", self.password.expose()].concat();
        let plain = Secret::new(plain);
        Secret::new([b"AUTH PLAIN ".as_slice(), STANDARD.encode_to_string(plain.expose()).as_bytes()].concat())
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum UpstreamError {
    /// No connection.
    Connect(String),
    /// No answer in time.
    Timeout(&'static str),
    /// The next hop closed the connection, or it broke.
    Closed(String),
    /// What came is not SMTP.
    Fault(ClientFault),
    /// A command could not be sent: a mistake of ours.
    NotQueued(NotQueued),
    /// The next hop refused the session: its greeting or its answer to EHLO.
    Refused(Reply),
    /// TLS is required and not to be had.
    Tls(String),
    /// The next hop offers TLS, and refused to begin it or failed at the handshake.
    Handshake(String),
    /// The next hop is this server itself.
    Loop,
    /// The next hop does not let us log in.
    Login(String),
    /// There is nobody who takes mail of a domain, and that is certain.
    NoMail {
        /// The status code (RFC 3463).
        status: &'static str,
        /// In words.
        why: String,
    },
}

impl UpstreamError {
    /// Whether trying again later cannot help as long as nobody changes anything.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Refused(reply) => reply.is_permanent(),
            Self::Loop | Self::NoMail { .. } => true,
            _ => false,
        }
    }
}

impl std::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(why) => write!(f, "cannot connect: {why}"),
            Self::Timeout(what) => write!(f, "no answer to {what} in time"),
            Self::Closed(why) => write!(f, "the connection broke: {why}"),
            Self::Fault(fault) => write!(f, "it does not speak SMTP: {fault:?}"),
            Self::NotQueued(why) => write!(f, "a command could not be sent: {why:?}"),
            Self::Refused(reply) => write!(f, "it refuses: {} {}", reply.code(), reply.text()),
            Self::Tls(why) => write!(f, "no TLS: {why}"),
            Self::Handshake(why) => write!(f, "TLS failed: {why}"),
            Self::Loop => f.write_str("it is this server itself: mail would go round in circles"),
            Self::Login(why) => write!(f, "no login: {why}"),
            Self::NoMail { why, .. } => f.write_str(why),
        }
    }
}

impl std::error::Error for UpstreamError {}

impl From<ClientFault> for UpstreamError {
    fn from(fault: ClientFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<NotQueued> for UpstreamError {
    fn from(why: NotQueued) -> Self {
        Self::NotQueued(why)
    }
}

pub(crate) type Result<T> = std::result::Result<T, UpstreamError>;

/// A connection to a next hop that has answered EHLO.
pub struct Upstream {
    stream: Stream,
    pub(crate) machine: Client,
    name: Arc<str>,
    /// What it is called in figures.
    label: Arc<str>,
    /// Our name in EHLO.
    pub(crate) hostname: Arc<str>,
    /// What it is told of clients.
    pub(crate) client_info: ClientInfo,
    /// Whom it takes us for.
    pub(crate) spoken_for: Vec<(XclientName, String)>,
    /// The content goes out in chunks.
    pub(crate) chunked: bool,
    /// What the next hop said to a chunk that it does not take.
    pub(crate) refused: Option<Reply>,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").finish_non_exhaustive()
    }
}

impl Upstream {
    /// Connects, greets, and switches to TLS as the hop wants it.
    ///
    /// # Errors
    /// Whatever keeps the session from being ready.
    pub async fn open(hop: &Hop, deadline: Instant) -> Result<Self> {
        let connected = timeout_at(deadline, connect(hop)).await;
        let (stream, local) = connected.map_err(|_| UpstreamError::Timeout(name(Asked::Greeting)))??;
        let machine = if hop.lmtp { Client::lmtp() } else { Client::new() };
        let mut upstream = Self::on(stream, machine, hop);
        let greeting = upstream.answer(Asked::Greeting, COMMAND_TIMEOUT, deadline).await?;
        if !greeting.is_success() {
            return Err(UpstreamError::Refused(greeting));
        }
        if greeting.text() == banner(&hop.hostname) {
            return Err(UpstreamError::Loop);
        }
        upstream.hello(hop.lmtp, deadline).await?;
        let upstream = match hop.tls {
            HopTls::None => upstream,
            _ if upstream.machine.extensions().starttls => upstream.start_tls(hop, deadline).await?,
            HopTls::Opportunistic => upstream,
            _ => {
                return Err(UpstreamError::Tls("the next hop does not offer STARTTLS".to_owned()));
            }
        };
        match &hop.login {
            Some(login) => upstream.log_in(login, local, deadline).await,
            None => Ok(upstream),
        }
    }

    fn on(stream: Stream, machine: Client, hop: &Hop) -> Self {
        let name: Arc<str> = hop.address.to_string().into();
        Self {
            stream,
            machine,
            label: hop.label.clone().unwrap_or_else(|| Arc::clone(&name)),
            name,
            hostname: hop.hostname.as_str().into(),
            client_info: hop.client_info,
            spoken_for: Vec::new(),
            chunked: false,
            refused: None,
        }
    }

    /// The password goes out over TLS or within this machine only.
    async fn log_in(mut self, login: &Login, local: bool, deadline: Instant) -> Result<Self> {
        if self.tls_info().is_none() && !local {
            return Err(UpstreamError::Login("the connection is not encrypted".to_owned()));
        }
        if !self.extensions().auth.iter().any(|mechanism| mechanism == "PLAIN") {
            return Err(UpstreamError::Login("the next hop does not offer AUTH PLAIN".to_owned()));
        }
        let reply = self.auth(&login.plain(), deadline).await?;
        if reply.is_success() {
            return Ok(self);
        }
        Err(UpstreamError::Login(format!("it was answered {} {}", reply.code(), reply.text())))
    }

    /// The server that we are connected to, as it is configured.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the server is called in figures.
    pub fn label(&self) -> &Arc<str> {
        &self.label
    }

    pub(crate) async fn hello(&mut self, lmtp: bool, deadline: Instant) -> Result<()> {
        let hostname = Arc::clone(&self.hostname);
        self.machine.hello(&hostname)?;
        let reply = self.answer(Asked::Ehlo, COMMAND_TIMEOUT, deadline).await?;
        if reply.is_success() {
            return Ok(());
        }
        if !reply.is_permanent() || lmtp {
            return Err(UpstreamError::Refused(reply));
        }
        self.machine.helo(&hostname)?;
        let reply = self.answer(Asked::Helo, COMMAND_TIMEOUT, deadline).await?;
        if reply.is_success() { Ok(()) } else { Err(UpstreamError::Refused(reply)) }
    }

    /// With `opportunistic`, a next hop that offers TLS and then fails at it is an error too: this
    /// connection cannot go back to clear text. Who may try another one without TLS says
    /// [`Hop::may_fall_back`].
    async fn start_tls(mut self, hop: &Hop, deadline: Instant) -> Result<Self> {
        self.machine.start_tls()?;
        let reply = self.answer(Asked::StartTls, COMMAND_TIMEOUT, deadline).await?;
        if reply.code() != 220 {
            // As a handshake that fails: somebody on the way can bring about either.
            let why = format!("STARTTLS was answered {} {}", reply.code(), reply.text());
            return Err(match hop.tls {
                HopTls::Opportunistic => UpstreamError::Handshake(why),
                _ => UpstreamError::Tls(why),
            });
        }
        let name = tls::server_name(name_in_tls(&hop.address)).map_err(|e| UpstreamError::Tls(e.to_string()))?;
        let limit = deadline.saturating_duration_since(Instant::now()).min(COMMAND_TIMEOUT);
        let stream = self.stream.connect_tls(Arc::clone(&hop.tls_config), name, limit).await;
        let stream = stream.map_err(|e| UpstreamError::Handshake(e.to_string()))?;
        self.machine.start_tls_done();
        let mut upstream = Self { stream, ..self };
        upstream.hello(hop.lmtp, deadline).await?;
        Ok(upstream)
    }

    /// What the next hop offers.
    pub fn extensions(&self) -> &Extensions {
        self.machine.extensions()
    }

    /// The TLS version and cipher, if the connection is encrypted.
    pub fn tls_info(&self) -> Option<String> {
        self.stream.tls_info()
    }

    /// The certificate that the next hop showed, in DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.stream.peer_certificate()
    }

    /// AUTH: the whole line.
    pub async fn auth(&mut self, line: &Secret, deadline: Instant) -> Result<Reply> {
        self.machine.auth(line)?;
        self.answer(Asked::Auth, COMMAND_TIMEOUT, deadline).await
    }

    /// A line of an authentication exchange.
    pub async fn auth_line(&mut self, line: &Secret, deadline: Instant) -> Result<Reply> {
        self.machine.auth_line(line)?;
        self.answer(Asked::Auth, COMMAND_TIMEOUT, deadline).await
    }

    /// MAIL with what follows `MAIL FROM:`.
    pub async fn mail(&mut self, argument: &str, deadline: Instant) -> Result<Reply> {
        self.machine.mail(argument)?;
        self.answer(Asked::Mail, COMMAND_TIMEOUT, deadline).await
    }

    /// RCPT with what follows `RCPT TO:`.
    pub async fn rcpt(&mut self, argument: &str, deadline: Instant) -> Result<Reply> {
        self.machine.rcpt(argument)?;
        self.answer(Asked::Rcpt, COMMAND_TIMEOUT, deadline).await
    }

    /// RSET.
    pub async fn rset(&mut self, deadline: Instant) -> Result<Reply> {
        self.machine.rset()?;
        self.answer(Asked::Reset, COMMAND_TIMEOUT, deadline).await
    }

    /// QUIT, politely but not for long.
    pub async fn quit(mut self) {
        if self.machine.quit().is_ok() {
            let deadline = Instant::now() + QUIT_TIMEOUT;
            let _ = self.answer(Asked::Quit, QUIT_TIMEOUT, deadline).await;
        }
        let _ = tokio::time::timeout(QUIT_TIMEOUT, self.stream.shutdown()).await;
    }

    pub(crate) async fn flush(&mut self, what: &'static str, limit: Duration, deadline: Instant) -> Result<()> {
        let within = deadline.min(Instant::now() + limit);
        while !self.machine.output().is_empty() {
            let sent = timeout_at(within, self.stream.write(self.machine.output()))
                .await
                .map_err(|_| UpstreamError::Timeout(what))?
                .map_err(|e| UpstreamError::Closed(e.to_string()))?;
            if sent == 0 {
                return Err(UpstreamError::Closed("nothing more can be sent".to_owned()));
            }
            self.machine.sent(sent);
        }
        timeout_at(within, self.stream.flush())
            .await
            .map_err(|_| UpstreamError::Timeout(what))?
            .map_err(|e| UpstreamError::Closed(e.to_string()))
    }

    /// Sends what is queued and waits for the answer to `asked`.
    pub(crate) async fn answer(&mut self, asked: Asked, limit: Duration, deadline: Instant) -> Result<Reply> {
        let what = name(asked);
        self.flush(what, limit, deadline).await?;
        let within = deadline.min(Instant::now() + limit);
        let mut buffer = [0u8; READ_SIZE];
        loop {
            if let Some(Answer { to, reply }) = self.machine.next_reply()? {
                if to == asked {
                    return Ok(reply);
                }
                continue;
            }
            let read = timeout_at(within, self.stream.read(&mut buffer))
                .await
                .map_err(|_| UpstreamError::Timeout(what))?
                .map_err(|e| UpstreamError::Closed(e.to_string()))?;
            if read == 0 {
                return Err(UpstreamError::Closed(format!("closed while we waited for the answer to {what}")));
            }
            let mut rest = buffer.get(..read).unwrap_or(&[]);
            while !rest.is_empty() {
                let taken = self.machine.feed(rest);
                if taken == 0 {
                    return Err(UpstreamError::Closed("its answer is too long".to_owned()));
                }
                rest = rest.get(taken..).unwrap_or(&[]);
            }
        }
    }
}

/// The greeting of a gateway of this name: ours, and nobody else's.
pub fn banner(hostname: &str) -> String {
    format!("{hostname} ESMTP Mailward")
}

/// A connection to a next hop, and whether it is on this machine.
async fn connect(hop: &Hop) -> Result<(Stream, bool)> {
    match &hop.address {
        HopPlace::Unix(path) => {
            let socket = outbound::connect_unix(path, hop.connect_timeout).await.map_err(UpstreamError::Connect)?;
            Ok((Stream::from(socket), true))
        }
        HopPlace::Tcp(address) => {
            let socket = outbound::connect_to(address, &hop.addresses, hop.connect_timeout)
                .await
                .map_err(|e| UpstreamError::Connect(e.to_string()))?;
            if is_own(&socket, &hop.ours) {
                return Err(UpstreamError::Loop);
            }
            let local = socket.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
            Ok((Stream::from(socket), local))
        }
    }
}

/// What a next hop's certificate has to be for, where it is checked: behind a socket of this machine, the machine.
fn name_in_tls(place: &HopPlace) -> &str {
    place.tcp().map_or("localhost", |tcp| tcp.host.as_str())
}

/// Whether a connection leads to a listener of our own: to this machine, and to one of our ports.
fn is_own(socket: &TcpStream, own: &[SocketAddr]) -> bool {
    let (Ok(peer), Ok(local)) = (socket.peer_addr(), socket.local_addr()) else { return false };
    let (there, here) = (peer.ip().to_canonical(), local.ip().to_canonical());
    there == here
        && own.iter().any(|ours| {
            let ip = ours.ip().to_canonical();
            ours.port() == peer.port() && (ip == there || ip.is_unspecified())
        })
}

fn name(asked: Asked) -> &'static str {
    match asked {
        Asked::Greeting => "the connection",
        Asked::Ehlo => "EHLO",
        Asked::Helo => "HELO",
        Asked::StartTls => "STARTTLS",
        Asked::Auth => "AUTH",
        Asked::Xforward => "XFORWARD",
        Asked::Xclient => "XCLIENT",
        Asked::Mail => "MAIL",
        Asked::Rcpt => "RCPT",
        Asked::Data => "DATA",
        Asked::Chunk => "BDAT",
        Asked::End => "the end of the message",
        Asked::Reset => "RSET",
        Asked::Noop => "NOOP",
        Asked::Quit => "QUIT",
    }
}
