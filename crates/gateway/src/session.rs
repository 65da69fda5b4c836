//! One SMTP session: the pump between a client, the server machine, and the next hop.
//!
//! Every command that the next hop must know of is sent on before it is answered, and the next
//! hop's answer is ours. The message itself is taken in first, examined, and only then sent on.
//! Time-outs: RFC 5321 section 4.5.3.2, as configured. After a stop, a session ends at its next
//! command; a message that is coming in is still taken through.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mail::arrival::Surface;
use net::clients::Shown;
use net::stream::{Socket, Stream};
use net::upstream::{Upstream, UpstreamError};
use service::routes::Route;
use settings::config::{Listener, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use wire::dot::LineEnds;
use wire::smtp::reply::Reply;
use wire::smtp::server::{Event, Server, ServerConfig as MachineConfig, Step};

use crate::envelope::Client;
use crate::legs::leave;
use crate::listen::{Gateway, ListenerTls, Node};
use crate::transaction::Transaction;

/// How much is read from a client at once, in bytes.
const READ_SIZE: usize = 16 * 1024;
/// How long a client may take for its part of the TLS handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may refuse to take our replies.
const WRITE_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the next hop may take for one answer. A client waits five minutes for ours (RFC 5321 section 4.5.3.2): it
/// hears of a next hop that hangs before it gives up.
const HOP_PATIENCE: Duration = Duration::from_secs(240);
/// How long a server that the DNS names may take to say that it has a message. Strangers are slow at times, and one
/// that takes it after we gave up has it twice. A client waits ten minutes (RFC 5321 section 4.5.3.2.6), of which the
/// examination has had its part.
const STRANGER_PATIENCE: Duration = Duration::from_secs(480);
/// How long the next hop may take to forget a transaction. It is short, because a client waits for
/// the refusal of its message meanwhile (D-23); a next hop that is slower is left.
const RESET_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of a connection may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// In order, after QUIT.
    Quit,
    /// The client closed the connection, or it broke.
    Closed,
    /// The client took too long.
    Timeout,
    /// We ended it: too many errors or commands.
    Errors,
    /// The next hop was not there.
    NextHop,
    /// The gateway stops.
    Stopped,
}

impl End {
    /// The word for it in the figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Errors => "errors",
            Self::NextHop => "next_hop",
            Self::Stopped => "stopped",
        }
    }
}

/// A session and all it knows.
pub(crate) struct Session<'a> {
    pub(crate) gateway: &'a Arc<Gateway>,
    pub(crate) node: &'a Node,
    pub(crate) listener: &'a Listener,
    pub(crate) tls: Option<&'a ListenerTls>,
    /// `None` only while a handshake replaces it.
    pub(crate) stream: Option<Stream>,
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) upstream: Option<Upstream>,
    /// The route that the session with the next hop belongs to.
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) connection: u64,
    pub(crate) relay: bool,
    /// The certificate that the peer has shown.
    pub(crate) certificate: Option<Shown>,
    pub(crate) introduced: bool,
    /// Recipients that were refused in this session.
    pub(crate) refused: u32,
    /// The replies to the end of a message, where recipients have different ones (LMTP).
    pub(crate) each: Vec<Reply>,
    quit: bool,
    /// Since when the client owes us a command; its bytes alone do not move this on.
    waiting_since: Instant,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Runs a session to its end.
pub(crate) async fn run(
    gateway: &Arc<Gateway>,
    node: &Node,
    listener: &Listener,
    tls: Option<&ListenerTls>,
    stream: Socket,
    peer: SocketAddr,
) -> End {
    let limits = &node.config.limits;
    let relay = gateway.service.current().site.load().is_relay(peer.ip());
    let machine = MachineConfig {
        hostname: node.config.hostname(),
        max_errors: limits.errors,
        max_recipients: limits.recipients,
        max_commands: limits.commands,
        max_size: limits.max_message_size.0,
        line_ends: match listener.line_ends {
            settings::config::LineEnds::Reject => LineEnds::Reject,
            settings::config::LineEnds::Normalise => LineEnds::Normalise,
        },
        trusted: relay,
        lmtp: listener.protocol == Protocol::Lmtp,
        ..MachineConfig::default()
    };
    let mut session = Session {
        gateway,
        node,
        listener,
        tls,
        stream: Some(Stream::from(stream)),
        server: Server::new(machine),
        client: Client::new(peer),
        upstream: None,
        route: None,
        transaction: None,
        connection: gateway.service.next_connection(),
        relay,
        certificate: None,
        introduced: false,
        refused: 0,
        each: Vec::new(),
        quit: false,
        waiting_since: Instant::now(),
        stop: gateway.stop.clone(),
    };
    let end = session.pump().await;
    tracing::debug!(connection = session.connection, %peer, end = end.name(), "session ended");
    session.close().await;
    end
}

impl Session<'_> {
    async fn pump(&mut self) -> End {
        if self.listener.implicit_tls
            && let Err(end) = self.accept_tls().await
        {
            return end;
        }
        if let Err(end) = self.greet().await {
            return end;
        }
        loop {
            match self.server.step() {
                Step::Need => match self.receive().await {
                    Ok(()) => {}
                    Err(end) => return end,
                },
                Step::Flush => {
                    if let Err(end) = self.flush().await {
                        return end;
                    }
                }
                Step::Event(event) => {
                    if let Err(end) = self.event(event).await {
                        let _ = self.flush().await;
                        return end;
                    }
                }
                Step::Handshake => {
                    if let Err(end) = self.handshake().await {
                        return end;
                    }
                }
                Step::Closed => {
                    let _ = self.flush().await;
                    return if self.quit { End::Quit } else { End::Errors };
                }
                // Every event is answered where it is handled; a machine that waits all the same
                // would wait for ever.
                Step::Waiting => {
                    tracing::error!(connection = self.connection, "an SMTP command was left without an answer");
                    self.server.close_with(&Reply::say(421, "4.3.0 Internal error, please try again later"));
                }
            }
        }
    }

    /// Sends what waits, then reads. A stop ends the session here, unless a message is coming in.
    async fn receive(&mut self) -> Result<(), End> {
        self.flush().await?;
        let limits = &self.node.config.limits;
        let receiving = self.transaction.as_ref().and_then(Transaction::receiving_until);
        let limit = match receiving {
            Some(until) => (Instant::now() + limits.data_timeout.duration()).min(until),
            // A whole command, not one byte of it, has to be here by then.
            None => self.waiting_since + limits.command_timeout.duration(),
        };
        // A client whose bytes are always there would never be late by the timer alone.
        if Instant::now() >= limit {
            return Err(self.late().await);
        }
        let between = receiving.is_none();
        let Some(stream) = &mut self.stream else { return Err(End::Closed) };
        let mut buffer = [0u8; READ_SIZE];
        let read = tokio::select! {
            read = timeout_at(limit, stream.read(&mut buffer)) => read,
            () = stopping(&mut self.stop), if between => return Err(self.stopped().await),
        };
        match read {
            Err(_) => Err(self.late().await),
            Ok(Ok(0) | Err(_)) => Err(End::Closed),
            Ok(Ok(count)) => {
                let mut rest = buffer.get(..count).unwrap_or(&[]);
                while !rest.is_empty() {
                    let taken = self.server.feed(rest);
                    rest = rest.get(taken..).unwrap_or(&[]);
                    if taken == 0 {
                        // The machine takes all it is fed after it has asked for more.
                        return Err(End::Closed);
                    }
                }
                Ok(())
            }
        }
    }

    async fn late(&mut self) -> End {
        self.server.close_with(&Reply::say(421, "4.4.2 Timeout, closing"));
        let _ = self.flush().await;
        End::Timeout
    }

    async fn stopped(&mut self) -> End {
        self.server.close_with(&Reply::say(421, "4.3.2 Shutting down, please try again later"));
        let _ = self.flush().await;
        End::Stopped
    }

    pub(crate) async fn flush(&mut self) -> Result<(), End> {
        let Some(stream) = &mut self.stream else { return Err(End::Closed) };
        if !self.server.output().is_empty() {
            self.waiting_since = Instant::now();
        }
        // For all that waits together: who takes a byte now and then would keep its place for ever.
        let until = Instant::now() + WRITE_TIMEOUT;
        while !self.server.output().is_empty() {
            match timeout_at(until, stream.write(self.server.output())).await {
                Err(_) => return Err(End::Timeout),
                Ok(Ok(0) | Err(_)) => return Err(End::Closed),
                Ok(Ok(sent)) => self.server.sent(sent),
            }
        }
        match timeout_at(until, stream.flush()).await {
            Err(_) => Err(End::Timeout),
            Ok(Err(_)) => Err(End::Closed),
            Ok(Ok(())) => Ok(()),
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Hello { esmtp, name } => self.hello(esmtp, name).await?,
            Event::StartTls => self.reply(&Reply::say(220, "2.0.0 Ready to start TLS")),
            Event::Auth(command) => self.auth(command).await,
            Event::AuthResponse(response) => {
                let deadline = self.deadline();
                let answer = match &mut self.upstream {
                    Some(upstream) => upstream.auth_line(&response.0, deadline).await,
                    None => Err(UpstreamError::Closed("there is no session".to_owned())),
                };
                self.answer(answer);
            }
            Event::Xforward(attributes) => self.xforward(attributes).await,
            Event::Xclient(attributes) => self.xclient(attributes).await,
            Event::Mail(command) => self.mail(command).await,
            Event::Rcpt(command) => self.rcpt(command).await,
            Event::Data => self.data(),
            Event::Content(bytes) => self.content(&bytes),
            Event::ContentEnd(result) => self.content_end(result).await?,
            Event::Reset => {
                self.reset().await;
                self.forget_client();
                self.reply(&Reply::say(250, "2.0.0 Ok"));
            }
            Event::Quit => {
                self.quit = true;
                self.reply(&Reply::say(221, "2.0.0 Bye"));
            }
        }
        Ok(())
    }

    pub(crate) fn reply(&mut self, reply: &Reply) {
        self.server.reply(reply);
    }

    /// Passes the next hop's answer on; without one, the connection to it is gone.
    pub(crate) fn answer(&mut self, answer: Result<Reply, UpstreamError>) {
        match answer {
            Ok(reply) => self.reply(&reply),
            Err(error) => {
                self.lost(&error);
                self.reply(&gone_reply(&error));
            }
        }
    }

    /// Says in the log that a next hop failed.
    pub(crate) fn warn(&self, error: &UpstreamError) {
        tracing::warn!(connection = self.connection, %error, "the next hop failed");
    }

    /// The next hop is of no use any more in this session's state.
    pub(crate) fn lost(&mut self, error: &UpstreamError) {
        self.warn(error);
        self.upstream = None;
    }

    /// Until when the next hop may answer one command.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + HOP_PATIENCE
    }

    /// Until when a session with a next hop of this route has to be ready, however many servers are tried.
    pub(crate) fn open_deadline(&self, route: &Route) -> Instant {
        Instant::now() + route.patience().min(HOP_PATIENCE)
    }

    /// Until when servers of a route may take a message over; `deadline` is the policy's.
    pub(crate) fn end_deadline(route: &Route, deadline: Instant) -> Instant {
        match route.is_public() {
            true => deadline.max(Instant::now() + STRANGER_PATIENCE),
            false => deadline,
        }
    }

    async fn handshake(&mut self) -> Result<(), End> {
        self.flush().await?;
        self.abandon().await;
        // RFC 3207 section 4.2: what was learned in clear is forgotten, also by the next hop: whom it
        // took the client for must not outlast what the client was asked.
        self.client = Client::new(self.client.peer);
        self.introduced = false;
        if self.server.authenticated()
            && let Some(upstream) = self.upstream.take()
        {
            upstream.quit().await;
        }
        self.accept_tls().await?;
        self.server.start_tls_done();
        self.waiting_since = Instant::now();
        Ok(())
    }

    /// The handshake, whether from the first byte or after STARTTLS.
    async fn accept_tls(&mut self) -> Result<(), End> {
        let (Some(config), Some(plain)) = (self.tls, self.stream.take()) else { return Err(End::Closed) };
        match plain.accept_tls(Arc::clone(&config.config), TLS_TIMEOUT).await {
            Ok(stream) => {
                self.note_certificate(config, &stream);
                self.stream = Some(stream);
                self.server.set_tls_active();
                Ok(())
            }
            Err(error) => {
                tracing::info!(connection = self.connection, peer = %self.client.peer, %error, "a TLS handshake failed");
                Err(End::Closed)
            }
        }
    }

    /// The transaction is over; the next hop is told if it knows of it.
    pub(crate) async fn reset(&mut self) {
        let ended = self.transaction.take();
        let known = ended.is_some();
        if let Some(transaction) = ended {
            leave(transaction.others);
            self.forget_client();
        }
        let deadline = Instant::now() + RESET_TIMEOUT;
        let Some(upstream) = self.upstream.as_mut().filter(|_| known) else { return };
        match upstream.rset(deadline).await {
            Ok(reply) if reply.is_success() => {}
            // It may still have the recipients, and would give them the next message.
            Ok(reply) => self.lost(&UpstreamError::Refused(reply)),
            Err(error) => self.lost(&error),
        }
    }

    /// What a relay said of its client counts for one message: it says so anew for the next, or
    /// speaks for itself. So does Postfix, which also forgets what it was told (smtpd, mail_reset).
    pub(crate) fn forget_client(&mut self) {
        self.client.forwarded.clear();
        self.introduced = false;
    }

    /// Like [`Session::reset`], for what ends a transaction by the way.
    pub(crate) async fn abandon(&mut self) {
        if self.transaction.is_some() {
            self.reset().await;
        }
    }

    /// What TLS the client's side has, for the arrival.
    pub(crate) fn tls_info(&self) -> Option<String> {
        self.stream.as_ref().and_then(Stream::tls_info)
    }

    pub(crate) fn is_lmtp(&self) -> bool {
        self.listener.protocol == Protocol::Lmtp
    }

    /// Whether the client has logged in: with the next hop through us, or where a relay says so.
    pub(crate) fn is_authenticated(&self) -> bool {
        self.server.authenticated() || self.client.login().is_some()
    }

    /// Whom the client has logged in as, as far as that can be seen.
    pub(crate) fn login(&self) -> Option<&str> {
        self.server.login().or(self.client.login())
    }

    pub(crate) fn surface(&self) -> Surface {
        if self.is_lmtp() { Surface::Lmtp } else { Surface::Smtp }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.stream.as_ref().is_some_and(Stream::is_tls)
    }

    async fn close(self) {
        if let Some(upstream) = self.upstream {
            upstream.quit().await;
        }
        if let Some(mut stream) = self.stream {
            let _ = timeout(CLOSE_TIMEOUT, stream.shutdown()).await;
        }
    }
}

/// What a client is told when the next hop is of no use.
pub(crate) fn gone_reply(error: &UpstreamError) -> Reply {
    match error {
        UpstreamError::Loop => Reply::say(554, "5.4.6 Mail loop: the next hop is this server itself"),
        UpstreamError::Refused(reply) => reply.clone(),
        UpstreamError::NoMail { status, why } => Reply::say(556, &format!("{status} {why}")),
        UpstreamError::Tls(_) | UpstreamError::Handshake(_) => {
            Reply::say(451, "4.7.5 No secure connection to the next hop, please try again later")
        }
        UpstreamError::Connect(_) => Reply::say(451, "4.4.1 Next hop is not available, please try again later"),
        _ => Reply::say(451, "4.4.2 Lost the connection to the next hop, please try again later"),
    }
}

/// Waits for the stop; a gateway whose stop cannot come any more is stopping too.
async fn stopping(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
