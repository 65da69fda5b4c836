//! One connection of a mail server: the pump between its socket, the machine, and the service.
//!
//! The connection lives as long as the mail server likes: message after message, client after client. Only the end of
//! a message is answered after thinking; meanwhile the mail server hears every few seconds that we are still at it.
//! After a stop the connection ends as soon as no content is coming in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use settings::config::MilterListener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;
use wire::milter::options::{actions, protocol};
use wire::milter::{Answer, Event, Server, Step, Wanted};
use wire::smtp::reply::Reply;

use super::Link;
use super::client::{Client, WANTED};
use super::message::Message;
use crate::listen::{Gateway, Node};

/// How much is read at once, in bytes.
const READ_SIZE: usize = 64 * 1024;
/// How long a mail server may refuse to take what we say.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// What there is no answer to: the content of a message before its end.
const NO_REPLIES: u32 = protocol::NO_REPLY_DATA
    | protocol::NO_REPLY_UNKNOWN
    | protocol::NO_REPLY_HEADER
    | protocol::NO_REPLY_END_OF_HEADER
    | protocol::NO_REPLY_BODY;

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// In order.
    Quit,
    /// The mail server closed it, or it broke.
    Closed,
    /// It was silent for too long.
    Timeout,
    /// What came is not the protocol.
    Errors,
    /// The gateway stops.
    Stopped,
}

impl End {
    /// The word for it in the figures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Errors => "errors",
            Self::Stopped => "stopped",
        }
    }
}

/// A connection and all it knows.
pub(super) struct Pump<'a> {
    pub(super) gateway: &'a Arc<Gateway>,
    pub(super) node: &'a Node,
    pub(super) settings: &'a MilterListener,
    stream: Box<dyn Link>,
    peer: Option<SocketAddr>,
    pub(super) server: Server,
    pub(super) client: Client,
    pub(super) message: Option<Message>,
    pub(super) connection: u64,
    /// There is no place: everything is answered with a temporary failure.
    busy: bool,
    stop: watch::Receiver<bool>,
}

/// What we want of a mail server. One that finds no place has to hear it at once.
fn wanted(busy: bool) -> Wanted {
    let no_replies = if busy { 0 } else { NO_REPLIES };
    Wanted {
        needed_actions: actions::ADD_HEADERS | actions::CHANGE_HEADERS | actions::CHANGE_BODY,
        more_actions: actions::QUARANTINE | actions::DELETE_RECIPIENTS,
        protocol: no_replies | protocol::NO_UNKNOWN | protocol::NO_DATA | protocol::SKIP | protocol::LEADING_BLANKS,
        macros: WANTED.iter().map(|(stage, names)| (*stage, (*names).to_owned())).collect(),
    }
}

impl<'a> Pump<'a> {
    /// A connection that was just accepted.
    pub(super) fn new(
        gateway: &'a Arc<Gateway>,
        node: &'a Node,
        settings: &'a MilterListener,
        stream: Box<dyn Link>,
        peer: Option<SocketAddr>,
        busy: bool,
    ) -> Self {
        Self {
            gateway,
            node,
            settings,
            stream,
            peer,
            server: Server::new(wanted(busy)),
            client: Client::default(),
            message: None,
            connection: gateway.service.next_connection(),
            busy,
            stop: gateway.stop.clone(),
        }
    }

    /// Runs the connection to its end.
    pub(super) async fn run(mut self) -> End {
        let mut buffer = vec![0; READ_SIZE];
        let end = loop {
            if let Err(end) = self.turn(&mut buffer).await {
                break end;
            }
        };
        let _ = timeout(Duration::from_secs(1), self.stream.shutdown()).await;
        end
    }

    async fn turn(&mut self, buffer: &mut [u8]) -> Result<(), End> {
        match self.server.step() {
            Step::Event(event) => self.event(event).await,
            Step::Need => {
                self.flush().await?;
                let read = self.read(buffer).await?;
                let mut rest = buffer.get(..read).unwrap_or_default();
                // The machine has room: it asked for more, and holds less than a buffer.
                let taken = self.server.feed(rest);
                rest = rest.get(taken..).unwrap_or_default();
                if rest.is_empty() { Ok(()) } else { Err(End::Errors) }
            }
            Step::Flush => self.flush().await,
            Step::Waiting => {
                self.server.answer(&Answer::Tempfail);
                Ok(())
            }
            Step::Closed => Err(End::Quit),
            Step::Failed(fault) => {
                tracing::warn!(connection = self.connection, peer = ?self.peer, %fault, "a milter connection cannot go on");
                Err(End::Errors)
            }
        }
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, End> {
        let receiving = self.message.as_ref().is_some_and(Message::has_content);
        let silence = self.settings.timeout.duration();
        let mut stop = self.stop.clone();
        let read = tokio::select! {
            read = timeout(silence, self.stream.read(buffer)) => read,
            _ = stop.wait_for(|stop| *stop), if !receiving => return Err(End::Stopped),
        };
        match read {
            Ok(Ok(0)) | Ok(Err(_)) => Err(End::Closed),
            Ok(Ok(read)) => Ok(read),
            Err(_) => Err(End::Timeout),
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), End> {
        let output = self.server.output();
        if output.is_empty() {
            return Ok(());
        }
        let size = output.len();
        let written = timeout(WRITE_TIMEOUT, async {
            self.stream.write_all(self.server.output()).await?;
            self.stream.flush().await
        });
        match written.await {
            Ok(Ok(())) => {
                self.server.sent(size);
                Ok(())
            }
            Ok(Err(_)) => Err(End::Closed),
            Err(_) => Err(End::Timeout),
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), End> {
        if self.busy {
            if self.server.is_waiting() {
                let reply = Reply::say(451, "4.7.0 Too many connections to the content filter, please try again later");
                self.server.answer(&Answer::Reply(reply));
            }
            return Ok(());
        }
        let limits = &self.node.config.limits;
        let mut refusal = None;
        match event {
            Event::Connect(connect) => {
                self.client = Client::new(&connect);
                self.message = None;
                refusal = self.connected().await;
            }
            Event::Helo(name) => {
                self.client.helo = Some(String::from_utf8_lossy(&name).into_owned());
                refusal = self.greeted().await;
            }
            Event::Mail(arguments) => refusal = self.mail(&arguments).await,
            Event::Rcpt(arguments) => refusal = self.rcpt(&arguments).await,
            Event::Header { name, value } => {
                let blanks = self.server.has_leading_blanks();
                self.with(|message| message.field(&name, &value, blanks, limits));
            }
            Event::EndOfHeader => self.with(|message| message.end_of_header(limits)),
            Event::Body(piece) => {
                self.with(|message| message.body(&piece, limits));
                if self.message.as_ref().is_some_and(Message::is_given_up) && self.server.may_skip() {
                    self.server.answer(&Answer::Skip);
                }
            }
            Event::EndOfMessage => return self.end_of_message().await,
            Event::Abort => self.message = None,
            Event::NextClient => {
                self.message = None;
                self.client = Client::default();
                self.connection = self.gateway.service.next_connection();
            }
            Event::Data | Event::Unknown(_) | Event::Quit => {}
        }
        // Where no answer is due, none is sent.
        self.server.answer(&refusal.unwrap_or(Answer::Continue));
        Ok(())
    }

    pub(super) fn with(&mut self, work: impl FnOnce(&mut Message)) {
        if let Some(message) = &mut self.message {
            work(message);
        }
    }
}
