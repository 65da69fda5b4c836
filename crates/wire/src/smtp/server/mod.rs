//! The server's side of SMTP (RFC 5321) for a gateway that passes commands through to a next hop.
//!
//! The pump feeds bytes, asks for steps, answers events, and sends the output. The machine keeps the order of
//! commands, checks their syntax, judges line ends and the end of data, and holds the limits. It answers by itself
//! what no next hop needs to see: NOOP, HELP, VRFY, EXPN, unknown commands, errors of syntax and order.
//!
//! Limits: named below and in [`ServerConfig`]. BDAT without an offer is refused and the session closed, because its
//! octets may follow at once. Not handled: ETRN.
//!
//! With [`ServerConfig::lmtp`] it speaks LMTP (RFC 2033): LHLO greets, and the end of the content has a reply for each
//! accepted recipient.

mod answers;
mod chunks;
mod commands;
mod content;
mod event;

use chunks::{Chunk, Chunks};
use content::Content;

pub use event::{ContentFault, Event, Step};

use super::auth;
use super::extensions::Extensions;
use super::reply::Reply;
use crate::dot::LineEnds;
use crate::line::{LineFault, LineReader};
use crate::queue::ByteQueue;

/// Most input held, in bytes.
pub const INPUT_MAX: usize = 64 * 1024;
/// Output above which the machine asks to send first, in bytes. One reply may come on top.
pub const OUTPUT_HIGH: usize = 64 * 1024;
/// Most bytes of input that go into one [`Event::Content`].
pub const CONTENT_CHUNK: usize = 32 * 1024;
/// Longest line of an authentication exchange, CRLF counted, in bytes (RFC 4954 section 4).
pub const AUTH_LINE_MAX: usize = 12_288;
/// Most 334 replies in one authentication exchange.
pub const AUTH_ROUNDS_MAX: u32 = 16;

/// What a server machine is set up with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Our name, for replies of our own.
    pub hostname: String,
    /// Longest command line, CRLF counted, in bytes; up to [`AUTH_LINE_MAX`].
    pub command_line_max: usize,
    /// Errors after which the session ends.
    pub max_errors: u32,
    /// Most accepted recipients of a message.
    pub max_recipients: u32,
    /// Most commands of a session.
    pub max_commands: u32,
    /// Largest message in bytes, 0 for no limit.
    pub max_size: u64,
    /// What to do about bare CR, bare LF and NUL in content.
    pub line_ends: LineEnds,
    /// Whether the peer may use XFORWARD and XCLIENT.
    pub trusted: bool,
    /// Speak LMTP.
    pub lmtp: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            hostname: "localhost".to_owned(),
            command_line_max: 2048,
            max_errors: 20,
            max_recipients: 1000,
            max_commands: 10_000,
            max_size: 0,
            line_ends: LineEnds::Reject,
            trusted: false,
            lmtp: false,
        }
    }
}

/// What the machine reads next.
enum Phase {
    /// Nothing yet: the greeting has not been given.
    Greeting,
    Command,
    AuthLine,
    Content(Content),
    /// Within a chunk of BDAT.
    Chunk(Chunk),
    Handshake,
    Closed,
}

/// The event that waits for a reply, with what a reply decides about.
enum Asked {
    Hello {
        esmtp: bool,
        name: String,
    },
    StartTls,
    Auth,
    Xforward,
    Xclient,
    Mail {
        utf8: bool,
        binary: bool,
    },
    Rcpt,
    Data,
    /// The first chunk: what a 354 lets in.
    Chunk(Chunk),
    ContentEnd {
        fault: Option<ContentFault>,
        /// One reply a recipient (RFC 2033 section 4.2).
        each: bool,
    },
    Reset,
    Quit,
}

/// An accepted MAIL.
struct Transaction {
    utf8: bool,
    /// BODY=BINARYMIME.
    binary: bool,
    recipients: u32,
    /// Content that comes in chunks, once the first one was let in.
    chunks: Option<Chunks>,
    /// A chunk was refused: nothing but RSET helps.
    failed: bool,
}

/// An authentication exchange that is going on.
struct Exchange {
    mechanism: String,
    rounds: u32,
    login: Option<String>,
}

/// The client's accepted greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// EHLO, not HELO.
    pub esmtp: bool,
    /// The name it gave.
    pub name: String,
}

/// The machine. No `Debug`: it may hold secrets.
pub struct Server {
    config: ServerConfig,
    phase: Phase,
    asked: Option<Asked>,
    input: ByteQueue,
    output: ByteQueue,
    line: LineReader,
    offer: Option<Extensions>,
    offered: Extensions,
    hello: Option<Hello>,
    transaction: Option<Transaction>,
    exchange: Option<Exchange>,
    login: Option<String>,
    authenticated: bool,
    tls: bool,
    errors: u32,
    commands: u32,
    early_talker: bool,
    eager: bool,
}

impl Server {
    /// A machine at the start of a session, before the greeting.
    pub fn new(config: ServerConfig) -> Self {
        Server {
            config,
            phase: Phase::Greeting,
            asked: None,
            input: ByteQueue::new(INPUT_MAX),
            output: ByteQueue::new(usize::MAX),
            line: LineReader::new(AUTH_LINE_MAX),
            offer: None,
            offered: Extensions::default(),
            hello: None,
            transaction: None,
            exchange: None,
            login: None,
            authenticated: false,
            tls: false,
            errors: 0,
            commands: 0,
            early_talker: false,
            eager: false,
        }
    }

    /// Says whether the peer may use XFORWARD and XCLIENT; takes effect at the next [`Server::offer`].
    pub fn set_trusted(&mut self, trusted: bool) {
        self.config.trusted = trusted;
    }

    /// Says that TLS is active from the start: STARTTLS will not be offered.
    pub fn set_tls_active(&mut self) {
        self.tls = true;
    }

    /// Gives the greeting: 220, or a refusal after which the session is over. Only the first call counts.
    pub fn greet(&mut self, reply: &Reply) {
        if !matches!(self.phase, Phase::Greeting) {
            return;
        }
        self.early_talker = !self.input.is_empty();
        self.send(reply);
        self.phase = if reply.code() == 220 { Phase::Command } else { Phase::Closed };
    }

    /// Takes bytes from the peer, as many as there is room for, and returns how many those were. Bytes between the
    /// reply to STARTTLS and [`Server::start_tls_done`] are taken and thrown away.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        match self.phase {
            Phase::Closed => 0,
            Phase::Handshake => bytes.len(),
            _ => self.input.push(bytes),
        }
    }

    /// What to do next. Goes on until it needs the pump.
    pub fn step(&mut self) -> Step {
        loop {
            match self.phase {
                Phase::Closed => return Step::Closed,
                Phase::Greeting => return Step::Waiting,
                _ if self.asked.is_some() => return Step::Waiting,
                _ if self.output.len() > OUTPUT_HIGH => return Step::Flush,
                Phase::Handshake => return Step::Handshake,
                Phase::Content(ref content) if content.ended() => return Step::Event(self.content_end()),
                Phase::Chunk(ref chunk) if chunk.ended() => {
                    if let Some(event) = self.chunk_end() {
                        return Step::Event(event);
                    }
                }
                _ if self.input.is_empty() => return Step::Need,
                Phase::Content(_) => {
                    if let Some(event) = self.read_content() {
                        return Step::Event(event);
                    }
                }
                Phase::Chunk(_) => {
                    if let Some(event) = self.read_chunk() {
                        return Step::Event(event);
                    }
                }
                Phase::Command | Phase::AuthLine => {
                    if let Some(event) = self.read_line() {
                        return Step::Event(event);
                    }
                }
            }
        }
    }

    /// Answers the event that waits. Returns false if none does. A 421 ends the session; a code that cannot follow
    /// the command becomes a 451, and a success for faulty content the fitting refusal.
    pub fn reply(&mut self, reply: &Reply) -> bool {
        let Some(asked) = self.asked.take() else { return false };
        let fits = match asked {
            Asked::Data | Asked::Chunk(_) => !reply.is_success() && (reply.code() == 354 || !reply.is_intermediate()),
            Asked::Auth => reply.code() == 334 || !reply.is_intermediate(),
            _ => !reply.is_intermediate(),
        };
        let replacement;
        let reply = match &asked {
            Asked::ContentEnd { fault: Some(fault), .. } if reply.is_success() => {
                replacement = fault.reply();
                &replacement
            }
            _ if !fits => {
                replacement = Reply::say(451, "4.3.0 Unexpected answer from the next hop");
                &replacement
            }
            _ => reply,
        };
        self.answered(asked, reply);
        if reply.code() == 421 {
            self.close();
        }
        true
    }

    /// Answers the end of content for each accepted recipient, in their order, where that is wanted (RFC 2033 section
    /// 4.2); else like [`Server::reply`], with the first. A recipient without a reply has that of the last one that
    /// has. Returns false if nothing waits, or there is no reply at all.
    pub fn reply_each(&mut self, replies: &[Reply]) -> bool {
        let each = matches!(self.asked, Some(Asked::ContentEnd { each: true, fault: None }));
        let Some((last, others)) = replies.split_last() else { return false };
        if !each || others.is_empty() {
            return self.reply(replies.first().unwrap_or(last));
        }
        let later = Reply::say(451, "4.3.0 Unexpected answer from the next hop");
        let recipients = self.recipients();
        self.asked = None;
        self.transaction = None;
        for n in 0..recipients {
            let reply = usize::try_from(n).ok().and_then(|n| replies.get(n)).unwrap_or(last);
            self.send(if reply.is_intermediate() { &later } else { reply });
        }
        if replies.iter().any(|reply| reply.code() == 421) {
            self.close();
        }
        true
    }

    /// Sets what EHLO offers: from [`Extensions::offer`]. Call it before the reply to [`Event::Hello`]. STARTTLS under
    /// TLS, and XFORWARD and XCLIENT to an untrusted peer, are taken out here whatever was asked for.
    pub fn offer(&mut self, mut extensions: Extensions) {
        extensions.starttls &= !self.tls;
        if !self.config.trusted {
            extensions.xforward.clear();
            extensions.xclient.clear();
        }
        self.offer = Some(extensions);
    }

    /// Ends the session with a last reply, at any time: a timeout, a shutdown, a lost next hop (421).
    pub fn close_with(&mut self, reply: &Reply) {
        if !matches!(self.phase, Phase::Closed) {
            self.send(reply);
            self.close();
        }
    }

    /// Bytes to send to the peer.
    pub fn output(&self) -> &[u8] {
        self.output.pending()
    }

    /// Says that the first `n` bytes of the output were sent.
    pub fn sent(&mut self, n: usize) {
        self.output.consume(n);
    }

    /// The TLS handshake is done. Everything learned before it is forgotten (RFC 3207 section 4.2), any input too.
    pub fn start_tls_done(&mut self) {
        if !matches!(self.phase, Phase::Handshake) {
            return;
        }
        self.discard_input();
        self.tls = true;
        self.phase = Phase::Command;
        self.begin_anew();
    }

    /// Whether the peer spoke before the greeting.
    pub fn early_talker(&self) -> bool {
        self.early_talker
    }

    /// Whether the peer sent something after a command whose answer it has to wait for (RFC 2920 section 3.1): EHLO,
    /// STARTTLS, AUTH, DATA. Depends on when bytes arrived; a sign, no more.
    pub fn spoke_out_of_turn(&self) -> bool {
        self.eager
    }

    /// The client's accepted HELO or EHLO.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Whether an AUTH succeeded.
    pub fn authenticated(&self) -> bool {
        self.authenticated
    }

    /// The login name of a successful AUTH, where its mechanism shows one.
    pub fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }

    /// Accepted recipients of the current transaction.
    pub fn recipients(&self) -> u32 {
        self.transaction.as_ref().map_or(0, |t| t.recipients)
    }

    /// Whether TLS is active.
    pub fn tls_active(&self) -> bool {
        self.tls
    }

    /// Errors of syntax, order and authentication so far.
    pub fn errors(&self) -> u32 {
        self.errors
    }

    /// Reads a line and acts on it.
    fn read_line(&mut self) -> Option<Event> {
        let pushed = self.line.push(self.input.pending());
        self.input.consume(pushed.used);
        let line = pushed.line?;
        if line == Err(LineFault::BareLf) {
            // Where the next command starts is a matter of opinion from here on.
            self.close_with(&Reply::say(500, "5.5.2 Bare LF received, closing"));
            return None;
        }
        if matches!(self.phase, Phase::AuthLine) { self.auth_line(line) } else { self.command_line(line) }
    }

    /// A line within an authentication exchange. What is no such line becomes a `*`, so that the next hop ends it too.
    fn auth_line(&mut self, line: Result<Vec<u8>, LineFault>) -> Option<Event> {
        let line = match line {
            Ok(line) if auth::is_exchange_line(&line) => line,
            _ => b"*".to_vec(),
        };
        let exchange = self.exchange.as_mut()?;
        if exchange.rounds == 1 && exchange.login.is_none() {
            exchange.login = auth::login(&exchange.mechanism, &line);
        }
        self.phase = Phase::Command;
        self.ask(Asked::Auth, Event::AuthResponse(auth::AuthResponse(crate::secret::Secret::new(line))))
    }

    /// Hands an event out and remembers what its reply is about.
    fn ask(&mut self, asked: Asked, event: Event) -> Option<Event> {
        self.asked = Some(asked);
        Some(event)
    }

    fn send(&mut self, reply: &Reply) {
        reply.render(self.output.tail());
    }

    /// A negative reply that counts as an error; the last one allowed ends the session.
    fn refuse(&mut self, reply: &Reply) {
        self.errors = self.errors.saturating_add(1);
        if self.errors >= self.config.max_errors {
            self.close_with(&Reply::say(421, "4.7.0 Too many errors"));
        } else {
            self.send(reply);
        }
    }

    fn discard_input(&mut self) {
        self.input.clear();
        self.line.clear();
    }

    fn close(&mut self) {
        self.discard_input();
        self.asked = None;
        self.exchange = None;
        self.phase = Phase::Closed;
    }
}
