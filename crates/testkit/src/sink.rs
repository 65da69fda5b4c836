//! An SMTP server that takes whatever it is told to take, and remembers all of it.
//!
//! By default it accepts everything. A [`Behaviour`] makes it refuse, wait, hang up or read slowly
//! at any [`Point`] of the dialogue, for all sessions or a few times only. Content ends at
//! CRLF.CRLF and nowhere else; it is kept byte for byte with the dot-stuffing undone.

mod content;
mod session;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::tls::Identity;

/// What a sink offers in its reply to EHLO unless told otherwise.
pub const EXTENSIONS: [&str; 7] = [
    "PIPELINING",
    "SIZE 104857600",
    "8BITMIME",
    "SMTPUTF8",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
];

/// Where in a dialogue a rule acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// A new connection, before the banner.
    Connect,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH, before any credential is asked for.
    Auth,
    /// XFORWARD or XCLIENT.
    Xforward,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, the command.
    Data,
    /// The first bytes of content have been read.
    Content,
    /// The content is complete; the reply decides over the message.
    End,
    /// RSET.
    Reset,
    /// QUIT.
    Quit,
    /// Any other command.
    Other,
}

/// What a rule does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Answers with this text, without CRLF; several lines are several reply lines, as they are.
    Reply(String),
    /// Answers, then closes.
    ReplyAndClose(String),
    /// Closes without a word.
    Close,
    /// Says nothing ever again and keeps the connection.
    Hang,
    /// Waits, then goes on as without a rule.
    Delay(Duration),
}

/// One rule: at a point, if the line contains a text, so many times, do this.
#[derive(Clone, Debug)]
struct Rule {
    at: Point,
    contains: String,
    left: usize,
    action: Action,
}

/// How a sink behaves. Rules are looked at in the order they were added; the first that fits acts.
#[derive(Clone, Debug)]
pub struct Behaviour {
    extensions: Vec<String>,
    rules: Vec<Rule>,
    slow: Option<(usize, Duration)>,
    keep_content: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::accept()
    }
}

impl Behaviour {
    /// Accepts everything and offers [`EXTENSIONS`].
    pub fn accept() -> Self {
        let extensions = EXTENSIONS.iter().map(|e| (*e).to_owned()).collect();
        Self { extensions, rules: Vec::new(), slow: None, keep_content: true }
    }

    /// Offers these extensions and no others. With `STARTTLS` and `AUTH …` among them it speaks
    /// those too; both are then no longer offered where they make no sense.
    pub fn extensions(mut self, extensions: &[&str]) -> Self {
        self.extensions = extensions.iter().map(|e| (*e).to_owned()).collect();
        self
    }

    /// Offers one extension more.
    pub fn extension(mut self, extension: &str) -> Self {
        self.extensions.push(extension.to_owned());
        self
    }

    /// Always acts so at this point.
    pub fn on(self, at: Point, action: Action) -> Self {
        self.rule(at, "", usize::MAX, action)
    }

    /// Acts so when the command line contains `text` (case counts).
    pub fn on_text(self, at: Point, text: &str, action: Action) -> Self {
        self.rule(at, text, usize::MAX, action)
    }

    /// Acts so the first `times` times, counted over all sessions.
    pub fn on_first(self, times: usize, at: Point, action: Action) -> Self {
        self.rule(at, "", times, action)
    }

    /// Answers always so at this point: short for `on` with `Action::Reply`.
    pub fn reply(self, at: Point, text: &str) -> Self {
        self.on(at, Action::Reply(text.to_owned()))
    }

    /// Reads content in pieces of `bytes`, with a pause after each.
    pub fn slow(mut self, bytes: usize, pause: Duration) -> Self {
        assert!(bytes > 0, "reading nothing forever is Action::Hang");
        self.slow = Some((bytes, pause));
        self
    }

    /// Counts content instead of keeping it: for load.
    pub fn forget_content(mut self) -> Self {
        self.keep_content = false;
        self
    }

    fn rule(mut self, at: Point, contains: &str, left: usize, action: Action) -> Self {
        self.rules.push(Rule { at, contains: contains.to_owned(), left, action });
        self
    }
}

/// How a message ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Answered with 2xx.
    Accepted,
    /// Answered with something else, or not at all.
    Refused,
    /// The sender went away before the end of content.
    Cut,
}

/// One message whose content at least began to arrive.
#[derive(Clone, Debug)]
pub struct Received {
    /// Number of the connection, from 0.
    pub session: usize,
    /// What the client called itself in EHLO or HELO.
    pub hello: String,
    /// XFORWARD lines of the session so far, without the verb.
    pub xforward: Vec<String>,
    /// Whether the session was encrypted.
    pub tls: bool,
    /// Lines of AUTH, without the verb, with all that followed.
    pub auth: Vec<String>,
    /// All that followed `MAIL FROM:`.
    pub mail: String,
    /// All that followed `RCPT TO:` of the accepted recipients.
    pub recipients: Vec<String>,
    /// The content; empty when the behaviour forgets content.
    pub content: Vec<u8>,
    /// Its length in bytes, dot-stuffing undone; 0 for `Cut`.
    pub size: usize,
    /// How it ended.
    pub outcome: Outcome,
}

impl Received {
    /// The sender's address without brackets and parameters.
    pub fn sender(&self) -> &str {
        address(&self.mail)
    }

    /// The recipients' addresses without brackets and parameters.
    pub fn addresses(&self) -> Vec<&str> {
        self.recipients.iter().map(|r| address(r)).collect()
    }
}

/// What stands between the first `<` and the next `>`.
fn address(argument: &str) -> &str {
    let rest = argument.split_once('<').map_or(argument, |(_, rest)| rest);
    rest.split_once('>').map_or(rest, |(address, _)| address)
}

/// What all sessions share.
struct Shared {
    behaviour: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
    lines: Mutex<Vec<String>>,
    connections: Mutex<usize>,
    identity: Identity,
}

impl Shared {
    /// The action of the first rule that fits, if any.
    fn action(&self, at: Point, line: &str) -> Option<Action> {
        let mut behaviour = lock(&self.behaviour);
        let rule = behaviour.rules.iter_mut().find(|r| r.at == at && r.left > 0 && line.contains(&r.contains))?;
        if rule.left != usize::MAX {
            rule.left -= 1;
        }
        Some(rule.action.clone())
    }
}

/// A lock, also after a test panicked with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server. It ends, with all its sessions, when dropped.
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Sink {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start(behaviour: Behaviour) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), behaviour).await
    }

    /// The same, with this certificate.
    pub async fn start_as(identity: Identity, behaviour: Behaviour) -> Self {
        Self::start_with("127.0.0.1:0".parse().expect("an address"), identity, behaviour).await
    }

    /// Listens on this address: for a next hop that comes back after it was away.
    pub async fn start_at(at: SocketAddr, behaviour: Behaviour) -> Self {
        Self::start_with(at, Identity::new(&["localhost", "127.0.0.1"]), behaviour).await
    }

    async fn start_with(at: SocketAddr, identity: Identity, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(at).await.unwrap_or_else(|e| panic!("listening on {at}: {e}"));
        let address = listener.local_addr().expect("the socket has an address");
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(behaviour),
            received: Mutex::default(),
            lines: Mutex::default(),
            connections: Mutex::default(),
            identity,
        });
        let task = tokio::spawn(session::accept(listener, Arc::clone(&shared)));
        Self { address, shared, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Behaves differently from the next command on.
    pub fn set(&self, behaviour: Behaviour) {
        *lock(&self.shared.behaviour) = behaviour;
    }

    /// Its certificate as PEM, for a client that wants to verify it.
    pub fn certificate(&self) -> &str {
        &self.shared.identity.certificate
    }

    /// The messages it has accepted, in order of their ends.
    pub fn messages(&self) -> Vec<Received> {
        self.attempts().into_iter().filter(|m| m.outcome == Outcome::Accepted).collect()
    }

    /// All messages, also refused and cut ones.
    pub fn attempts(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// How many messages it has accepted.
    pub fn count(&self) -> usize {
        lock(&self.shared.received).iter().filter(|m| m.outcome == Outcome::Accepted).count()
    }

    /// How many messages began to arrive, also refused and cut ones.
    pub fn tried(&self) -> usize {
        lock(&self.shared.received).len()
    }

    /// How many connections came.
    pub fn connections(&self) -> usize {
        *lock(&self.shared.connections)
    }

    /// Every command line of every session, in the order they came, without CRLF.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.shared.lines).clone()
    }

    /// Forgets messages and lines.
    pub fn clear(&self) {
        lock(&self.shared.received).clear();
        lock(&self.shared.lines).clear();
    }

    /// Waits for at least `count` accepted messages; panics after `PATIENCE`.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        crate::wait_until(&format!("{count} messages"), crate::PATIENCE, || self.count() >= count).await;
        self.messages()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}
