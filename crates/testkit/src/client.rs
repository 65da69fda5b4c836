//! A small, strict SMTP client that drives a dialogue by hand: say a line, expect a code.
//!
//! Strict: a reply line ends in CRLF, is at most 512 octets and has the code of its first line
//! (RFC 5321, sections 4.2 and 4.5.3.1.5). Anything else from the server panics, with the dialogue
//! so far.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use crate::PATIENCE;

/// Longest reply line in octets, CRLF included.
const REPLY_LINE_MAX: usize = 512;

/// Most lines in one reply.
const REPLY_LINES_MAX: usize = 100;

/// A byte stream, plain or TLS.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// One reply of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, 200 to 599.
    pub code: u16,
    /// The text of each line after the code and its separator.
    pub lines: Vec<String>,
}

impl Reply {
    /// All lines, joined by line feeds.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Whether the code is 2xx or 3xx.
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// Whether a reply to EHLO offers an extension, by its keyword in upper case.
    pub fn offers(&self, keyword: &str) -> bool {
        self.lines.iter().skip(1).any(|l| l.split(' ').next().is_some_and(|k| k.eq_ignore_ascii_case(keyword)))
    }
}

/// One connection to an SMTP server.
pub struct Client {
    stream: Option<Box<dyn Io>>,
    buffer: Vec<u8>,
    transcript: Vec<String>,
    /// How long one read may take before the test fails. Default: `PATIENCE`.
    pub timeout: Duration,
}

impl Client {
    /// Connects and reads nothing yet.
    pub async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap_or_else(|e| panic!("connecting to {to}: {e}"));
        stream.set_nodelay(true).expect("no delay");
        Self { stream: Some(Box::new(stream)), buffer: Vec::new(), transcript: Vec::new(), timeout: PATIENCE }
    }

    /// Connects to a socket in the file system and reads nothing yet.
    pub async fn connect_unix(path: &Path) -> Self {
        let stream =
            UnixStream::connect(path).await.unwrap_or_else(|e| panic!("connecting to {}: {e}", path.display()));
        Self { stream: Some(Box::new(stream)), buffer: Vec::new(), transcript: Vec::new(), timeout: PATIENCE }
    }

    /// Connects from this address of the machine and reads nothing yet.
    pub async fn connect_from(from: IpAddr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).unwrap_or_else(|e| panic!("binding {from}: {e}"));
        let stream = socket.connect(to).await.unwrap_or_else(|e| panic!("connecting to {to}: {e}"));
        Self { stream: Some(Box::new(stream)), buffer: Vec::new(), transcript: Vec::new(), timeout: PATIENCE }
    }

    /// Connects with TLS from the first byte, taking any certificate, and reads nothing yet.
    pub async fn connect_tls(to: SocketAddr) -> Self {
        let mut client = Self::connect(to).await;
        client.handshake(crate::tls::trusting_client()).await;
        client
    }

    /// Connects, takes the banner and says EHLO.
    pub async fn open(to: SocketAddr) -> Self {
        let mut client = Self::connect(to).await;
        client.expect(220).await;
        client.command("EHLO client.example.org", 250).await;
        client
    }

    /// Sends a line; CRLF is added.
    pub async fn send_line(&mut self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes()).await;
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        if let Err(e) = self.try_send(bytes).await {
            panic!("sending failed: {e}\n{}", self.transcript());
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// What the socket says, for instance that the server has closed.
    pub async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let shown = &bytes[..bytes.len().min(200)];
        self.transcript.push(format!("C: {}", shown.escape_ascii()));
        let stream = self.stream.as_mut().expect("the connection is open");
        stream.write_all(bytes).await?;
        stream.flush().await
    }

    /// Reads one whole reply.
    ///
    /// # Errors
    /// `UnexpectedEof` when the server closes, `TimedOut` when it says nothing.
    pub async fn reply(&mut self) -> io::Result<Reply> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        loop {
            let line = self.line().await?;
            let (code, rest) = line.split_at_checked(3).unwrap_or_else(|| self.wrong(&line));
            let code: u16 = code.parse().unwrap_or_else(|_| self.wrong(&line));
            let in_range = (200..=599).contains(&code);
            if !in_range || (reply.code != 0 && reply.code != code) || reply.lines.len() >= REPLY_LINES_MAX {
                self.wrong(&line);
            }
            reply.code = code;
            let last = match rest.as_bytes().first() {
                None | Some(b' ') => true,
                Some(b'-') => false,
                Some(_) => self.wrong(&line),
            };
            reply.lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if last {
                return Ok(reply);
            }
        }
    }

    /// Reads a reply and panics, with the dialogue, if its code is another.
    pub async fn expect(&mut self, code: u16) -> Reply {
        match self.reply().await {
            Ok(reply) if reply.code == code => reply,
            Ok(reply) => panic!("expected {code}, got {} {}\n{}", reply.code, reply.text(), self.transcript()),
            Err(e) => panic!("expected {code}, got: {e}\n{}", self.transcript()),
        }
    }

    /// Sends a line and expects a code.
    pub async fn command(&mut self, line: &str, code: u16) -> Reply {
        self.send_line(line).await;
        self.expect(code).await
    }

    /// Sends one message, dot-stuffed. `Err` holds the reply that stopped it; a server that refuses
    /// one of several recipients stops it too.
    ///
    /// # Errors
    /// The first reply that is not positive.
    pub async fn deliver(&mut self, from: &str, to: &[&str], content: &[u8]) -> Result<Reply, Reply> {
        let mut lines = vec![format!("MAIL FROM:<{from}>")];
        lines.extend(to.iter().map(|r| format!("RCPT TO:<{r}>")));
        lines.push("DATA".to_owned());
        for line in lines {
            self.send_line(&line).await;
            let reply = self.must_reply().await;
            if !reply.is_positive() {
                return Err(reply);
            }
        }
        self.send_bytes(&stuff(content)).await;
        let reply = self.must_reply().await;
        if reply.is_positive() { Ok(reply) } else { Err(reply) }
    }

    /// The same in chunks of `size` octets (BDAT, RFC 3030).
    ///
    /// # Errors
    /// The first reply that is not positive.
    pub async fn deliver_chunks(
        &mut self,
        mail: &str,
        to: &[&str],
        content: &[u8],
        size: usize,
    ) -> Result<Reply, Reply> {
        let mut parts = vec![format!("MAIL FROM:{mail}\r\n").into_bytes()];
        parts.extend(to.iter().map(|r| format!("RCPT TO:<{r}>\r\n").into_bytes()));
        let count = content.chunks(size).count();
        for (at, chunk) in content.chunks(size).enumerate() {
            let last = if at + 1 == count { " LAST" } else { "" };
            parts.push([format!("BDAT {}{last}\r\n", chunk.len()).as_bytes(), chunk].concat());
        }
        let mut last = None;
        for part in parts {
            self.send_bytes(&part).await;
            let reply = self.must_reply().await;
            if !reply.is_positive() {
                return Err(reply);
            }
            last = Some(reply);
        }
        Ok(last.expect("there was content"))
    }

    /// STARTTLS, taking any certificate, and EHLO again.
    pub async fn start_tls(&mut self) -> Reply {
        self.start_tls_with(crate::tls::trusting_client()).await
    }

    /// The same with these settings.
    pub async fn start_tls_with(&mut self, config: Arc<rustls::ClientConfig>) -> Reply {
        self.command("STARTTLS", 220).await;
        assert!(self.buffer.is_empty(), "bytes after the reply to STARTTLS\n{}", self.transcript());
        self.handshake(config).await;
        self.command("EHLO client.example.org", 250).await
    }

    /// The TLS handshake, as the client.
    pub async fn handshake(&mut self, config: Arc<rustls::ClientConfig>) {
        let plain = self.stream.take().expect("the connection is open");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = tokio_rustls::TlsConnector::from(config);
        let secure = connector.connect(name, plain).await.unwrap_or_else(|e| panic!("TLS: {e}\n{}", self.transcript()));
        self.stream = Some(Box::new(secure));
    }

    /// Whether the server closes the connection without another byte.
    pub async fn is_closed(&mut self) -> bool {
        matches!(self.reply().await, Err(e) if e.kind() != io::ErrorKind::TimedOut)
    }

    /// QUIT, 221, and the server closes.
    pub async fn quit(mut self) {
        self.command("QUIT", 221).await;
        assert!(self.is_closed().await, "open after QUIT\n{}", self.transcript());
    }

    /// The dialogue so far, a line each, long ones cut.
    pub fn transcript(&self) -> String {
        self.transcript.join("\n")
    }

    async fn must_reply(&mut self) -> Reply {
        match self.reply().await {
            Ok(reply) => reply,
            Err(e) => panic!("no reply: {e}\n{}", self.transcript()),
        }
    }

    fn wrong(&self, line: &str) -> ! {
        panic!("not a reply line: {line:?}\n{}", self.transcript())
    }

    /// One line without its CRLF.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let raw: Vec<u8> = self.buffer.drain(..=end).collect();
                let line = String::from_utf8_lossy(&raw).into_owned();
                self.transcript.push(format!("S: {}", line.trim_end()));
                match line.strip_suffix("\r\n") {
                    Some(text) if raw.len() <= REPLY_LINE_MAX && !text.contains(['\r', '\0']) => {
                        return Ok(text.to_owned());
                    }
                    _ => self.wrong(&line),
                }
            }
            let mut chunk = [0u8; 4096];
            let stream = self.stream.as_mut().expect("the connection is open");
            let read = tokio::time::timeout(self.timeout, stream.read(&mut chunk)).await;
            let read = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
        }
    }
}

/// Dot-stuffs a message and ends it (RFC 5321, section 4.5.2). A missing CRLF at the end is added.
pub fn stuff(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + content.len() / 64 + 8);
    let mut line_start = true;
    for byte in content {
        if line_start && *byte == b'.' {
            out.push(b'.');
        }
        out.push(*byte);
        line_start = out.ends_with(b"\r\n");
    }
    if !line_start {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
