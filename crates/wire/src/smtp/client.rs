//! The client's side of SMTP (RFC 5321): towards the next hop.
//!
//! The pump queues commands (several at once where the next hop offers PIPELINING), sends the output, feeds what
//! comes back, and takes the answers in order. What nobody asked for is a fault: a reply without a command, a code
//! that cannot follow it, bytes between the reply to STARTTLS and the handshake. After a fault the machine stays
//! failed and the connection must be dropped.
//!
//! Limits: [`INPUT_MAX`] bytes of input, [`COMMANDS_MAX`] commands without an answer, arguments of at most
//! [`ARGUMENT_MAX`] bytes. Output is as large as what the pump queues: content should wait while much is unsent. With
//! [`Client::lmtp`] it speaks LMTP (RFC 2033): the end of the content has an answer for each recipient that was
//! accepted.

use std::collections::VecDeque;

use super::extensions::Extensions;
use super::reply::{Reply, ReplyFault, ReplyReader};
use super::xclient::{self, XclientName};
use super::xforward::{self, XforwardName};
use crate::dot::DotWriter;
use crate::queue::ByteQueue;
use crate::secret::Secret;

/// Most input held, in bytes.
pub const INPUT_MAX: usize = 64 * 1024;
/// Most commands that wait for their answers.
pub const COMMANDS_MAX: usize = 2048;
/// Longest argument of a command, in bytes.
pub const ARGUMENT_MAX: usize = 2048;
/// Longest line of an authentication exchange, CRLF counted, in bytes (RFC 4954 section 4).
pub const AUTH_LINE_MAX: usize = 12_288;

/// What a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The connection itself.
    Greeting,
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// STARTTLS.
    StartTls,
    /// AUTH, or a line of its exchange.
    Auth,
    /// XFORWARD.
    Xforward,
    /// XCLIENT.
    Xclient,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// A chunk of content that is not the last one (BDAT).
    Chunk,
    /// The end of the content. In LMTP there is one for each accepted recipient.
    End,
    /// RSET.
    Reset,
    /// NOOP.
    Noop,
    /// QUIT.
    Quit,
}

/// A reply and what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The command.
    pub to: Asked,
    /// The reply.
    pub reply: Reply,
}

/// Why the connection cannot be used further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFault {
    /// What came is not a reply.
    Reply(ReplyFault),
    /// A reply that nobody asked for; a 421 here means that the next hop is closing.
    Unsolicited(Reply),
    /// Bytes that nobody asked for, in front of a command.
    UnsolicitedBytes,
    /// A code that cannot answer the command.
    UnexpectedCode(Asked, Reply),
    /// Bytes between the reply to STARTTLS and the handshake.
    InjectedBeforeTls,
}

/// Why a command was not queued. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotQueued {
    /// The command does not fit here: no greeting yet, content under way, after QUIT, or too many commands.
    OutOfOrder,
    /// The connection has failed: [`Client::next_reply`] says how.
    Failed,
    /// The argument holds a control character, is empty or too long.
    BadArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Command,
    /// A 334 came: only a line of the exchange may follow.
    AuthLine,
    Content,
    Handshake,
    Quit,
}

/// The machine. No `Debug`: its output may hold secrets.
pub struct Client {
    phase: Phase,
    input: ByteQueue,
    output: ByteQueue,
    reader: ReplyReader,
    expected: VecDeque<Asked>,
    dots: DotWriter,
    extensions: Extensions,
    fault: Option<ClientFault>,
    lmtp: bool,
    /// Recipients that were accepted since MAIL.
    accepted: usize,
}

impl Default for Client {
    fn default() -> Self {
        Client::new()
    }
}

impl Client {
    /// A machine on a fresh connection: the greeting is the first answer.
    pub fn new() -> Self {
        Client {
            phase: Phase::Greeting,
            input: ByteQueue::new(INPUT_MAX),
            output: ByteQueue::new(usize::MAX),
            reader: ReplyReader::default(),
            expected: VecDeque::from([Asked::Greeting]),
            dots: DotWriter::default(),
            extensions: Extensions::default(),
            fault: None,
            lmtp: false,
            accepted: 0,
        }
    }

    /// The same for a next hop that speaks LMTP.
    pub fn lmtp() -> Self {
        Client { lmtp: true, ..Client::new() }
    }

    /// Takes bytes from the next hop, as many as there is room for, and returns how many those were. Take the answers
    /// before feeding more.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        if self.phase == Phase::Handshake && !bytes.is_empty() {
            self.fail(ClientFault::InjectedBeforeTls);
        }
        if self.fault.is_some() { bytes.len() } else { self.input.push(bytes) }
    }

    /// The next answer; `None` if more input is needed. After a fault every call returns that fault.
    pub fn next_reply(&mut self) -> Result<Option<Answer>, ClientFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let (used, reply) = self.reader.push(self.input.pending());
        self.input.consume(used);
        let answer = match reply {
            None => return Ok(None),
            Some(Err(fault)) => Err(ClientFault::Reply(fault)),
            Some(Ok(reply)) => self.answer(reply),
        };
        answer.map(Some).inspect_err(|fault| self.fail(fault.clone()))
    }

    /// Bytes to send.
    pub fn output(&self) -> &[u8] {
        self.output.pending()
    }

    /// Says that the first `n` bytes of the output were sent.
    pub fn sent(&mut self, n: usize) {
        self.output.consume(n);
    }

    /// What the next hop offered in its last reply to EHLO.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// How many answers are outstanding.
    pub fn outstanding(&self) -> usize {
        self.expected.len()
    }

    /// Queues EHLO with our name.
    pub fn hello(&mut self, name: &str) -> Result<(), NotQueued> {
        self.queue(Asked::Ehlo, if self.lmtp { "LHLO " } else { "EHLO " }, name)
    }

    /// Queues HELO with our name, for a next hop that refused EHLO.
    pub fn helo(&mut self, name: &str) -> Result<(), NotQueued> {
        self.queue(Asked::Helo, "HELO ", name)
    }

    /// Queues STARTTLS. Nothing else may be outstanding, or queued before the answer. After a 220: handshake, then
    /// [`Client::start_tls_done`].
    pub fn start_tls(&mut self) -> Result<(), NotQueued> {
        if !self.expected.is_empty() {
            return Err(NotQueued::OutOfOrder);
        }
        self.queue(Asked::StartTls, "STARTTLS", "")
    }

    /// The TLS handshake is done. What was offered before it is forgotten; say EHLO again.
    pub fn start_tls_done(&mut self) {
        if self.phase == Phase::Handshake {
            self.phase = Phase::Command;
            self.extensions = Extensions::default();
        }
    }

    /// Queues as many XFORWARD commands as the attributes need and returns how many; each gets an answer. Attributes
    /// that the next hop does not take are left out.
    pub fn xforward(&mut self, attributes: &[(XforwardName, &str)]) -> Result<usize, NotQueued> {
        let taken: Vec<_> = attributes.iter().filter(|(n, _)| self.extensions.xforward.contains(n)).copied().collect();
        let commands = xforward::commands(&taken);
        for command in &commands {
            self.queue(Asked::Xforward, command, "")?;
        }
        Ok(commands.len())
    }

    /// Queues XCLIENT with what the next hop takes of these attributes and returns how many commands those are; each
    /// gets an answer, and after the last one EHLO has to be said again. Nothing else may be outstanding.
    pub fn xclient(&mut self, attributes: &[(XclientName, &str)]) -> Result<usize, NotQueued> {
        if !self.expected.is_empty() {
            return Err(NotQueued::OutOfOrder);
        }
        let taken: Vec<_> = attributes.iter().filter(|(n, _)| self.extensions.xclient.contains(n)).copied().collect();
        match xclient::command(&taken) {
            Some(command) => self.queue(Asked::Xclient, &command, "").map(|()| 1),
            None => Ok(0),
        }
    }

    /// Whether it speaks LMTP.
    pub fn is_lmtp(&self) -> bool {
        self.lmtp
    }

    /// Queues AUTH: the whole line, as [`super::auth::AuthCommand::to_line`] makes it. Nothing else may be outstanding.
    pub fn auth(&mut self, line: &Secret) -> Result<(), NotQueued> {
        let is_auth = line.expose().get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        if self.phase != Phase::Command || !self.expected.is_empty() {
            return Err(NotQueued::OutOfOrder);
        }
        if !is_auth {
            return Err(NotQueued::BadArgument);
        }
        self.queue_secret(line)
    }

    /// Answers a 334 with a line of the exchange.
    pub fn auth_line(&mut self, line: &Secret) -> Result<(), NotQueued> {
        if self.phase != Phase::AuthLine {
            return Err(NotQueued::OutOfOrder);
        }
        self.queue_secret(line)
    }

    /// Queues MAIL with the text that follows `MAIL FROM:`.
    pub fn mail(&mut self, argument: &str) -> Result<(), NotQueued> {
        self.queue(Asked::Mail, "MAIL FROM:", argument)
    }

    /// Queues RCPT with the text that follows `RCPT TO:`.
    pub fn rcpt(&mut self, argument: &str) -> Result<(), NotQueued> {
        self.queue(Asked::Rcpt, "RCPT TO:", argument)
    }

    /// Queues DATA. Nothing may be queued behind it before its answer.
    pub fn data(&mut self) -> Result<(), NotQueued> {
        self.queue(Asked::Data, "DATA", "")
    }

    /// Adds content, after a 354: dots are stuffed, a bare CR or LF becomes CRLF, a NUL is dropped. Pieces may be cut
    /// anywhere.
    pub fn content(&mut self, piece: &[u8]) -> Result<(), NotQueued> {
        self.check_content()?;
        self.dots.write(piece, self.output.tail());
        Ok(())
    }

    /// Ends the content; one that does not end in CRLF gets one.
    pub fn end(&mut self) -> Result<(), NotQueued> {
        self.check_content()?;
        self.dots.finish(self.output.tail());
        self.expect_end();
        self.phase = Phase::Command;
        Ok(())
    }

    /// Queues a piece of content as a chunk (BDAT, RFC 3030), octet by octet as it is. Each has an answer; the last one,
    /// which may be empty, is the end of the content. Only where the next hop offers CHUNKING.
    pub fn chunk(&mut self, piece: &[u8], last: bool) -> Result<(), NotQueued> {
        let mark = if last { " LAST" } else { "" };
        self.queue(Asked::Chunk, &format!("BDAT {}{mark}", piece.len()), "")?;
        self.output.append(piece);
        if last {
            self.expected.pop_back();
            self.expect_end();
        }
        Ok(())
    }

    /// How many answers the end of the content has now.
    pub fn ends(&self) -> usize {
        if self.lmtp { self.accepted.max(1) } else { 1 }
    }

    fn expect_end(&mut self) {
        (0..self.ends()).for_each(|_| self.expected.push_back(Asked::End));
    }

    /// How many places of content had to be changed because they were not CRLF, or NUL.
    pub fn altered(&self) -> u64 {
        self.dots.altered()
    }

    /// Queues RSET.
    pub fn rset(&mut self) -> Result<(), NotQueued> {
        self.queue(Asked::Reset, "RSET", "")
    }

    /// Queues NOOP.
    pub fn noop(&mut self) -> Result<(), NotQueued> {
        self.queue(Asked::Noop, "NOOP", "")
    }

    /// Queues QUIT; nothing can follow.
    pub fn quit(&mut self) -> Result<(), NotQueued> {
        self.queue(Asked::Quit, "QUIT", "")?;
        self.phase = Phase::Quit;
        Ok(())
    }

    /// Whether commands may be queued: not while the last one queued must be the last of its group (RFC 2920).
    fn may_queue(&self) -> bool {
        let group_ended = matches!(
            self.expected.back(),
            Some(
                Asked::Greeting
                    | Asked::Ehlo
                    | Asked::Helo
                    | Asked::StartTls
                    | Asked::Auth
                    | Asked::Xclient
                    | Asked::Data
            )
        );
        self.phase == Phase::Command && !group_ended && self.expected.len() < COMMANDS_MAX
    }

    fn queue(&mut self, asked: Asked, command: &str, argument: &str) -> Result<(), NotQueued> {
        if !self.may_queue() {
            return Err(NotQueued::OutOfOrder);
        }
        let wants_argument = matches!(asked, Asked::Ehlo | Asked::Helo | Asked::Mail | Asked::Rcpt);
        let fine = argument.len() <= ARGUMENT_MAX && !argument.chars().any(char::is_control);
        if !fine || argument.is_empty() == wants_argument {
            return Err(NotQueued::BadArgument);
        }
        self.check_quiet()?;
        self.output.append(command.as_bytes());
        self.output.append(argument.as_bytes());
        self.output.append(b"\r\n");
        self.expected.push_back(asked);
        Ok(())
    }

    fn queue_secret(&mut self, line: &Secret) -> Result<(), NotQueued> {
        let bytes = line.expose();
        let fine = bytes.len().saturating_add(2) <= AUTH_LINE_MAX && bytes.iter().all(|b| matches!(b, b' '..=b'~'));
        if !fine {
            return Err(NotQueued::BadArgument);
        }
        self.check_quiet()?;
        self.output.append(bytes);
        self.output.append(b"\r\n");
        self.expected.push_back(Asked::Auth);
        self.phase = Phase::Command;
        Ok(())
    }

    /// Bytes that are there before we ask cannot be the answer: they would put every later answer out of step.
    fn check_quiet(&mut self) -> Result<(), NotQueued> {
        if self.expected.is_empty() && (!self.input.is_empty() || self.reader.is_midway()) {
            self.fail(ClientFault::UnsolicitedBytes);
        }
        if self.fault.is_some() { Err(NotQueued::Failed) } else { Ok(()) }
    }

    fn check_content(&self) -> Result<(), NotQueued> {
        match (&self.fault, self.phase) {
            (Some(_), _) => Err(NotQueued::Failed),
            (None, Phase::Content) => Ok(()),
            (None, _) => Err(NotQueued::OutOfOrder),
        }
    }

    /// Matches a reply with what was asked.
    fn answer(&mut self, reply: Reply) -> Result<Answer, ClientFault> {
        let Some(to) = self.expected.pop_front() else { return Err(ClientFault::Unsolicited(reply)) };
        let fits = match to {
            Asked::Data => reply.code() == 354 || reply.is_transient() || reply.is_permanent(),
            Asked::Auth => reply.code() == 334 || !reply.is_intermediate(),
            _ => !reply.is_intermediate(),
        };
        if !fits {
            return Err(ClientFault::UnexpectedCode(to, reply));
        }
        match to {
            Asked::Greeting => self.phase = Phase::Command,
            Asked::Ehlo => self.extensions = Extensions::parse(&reply),
            Asked::Helo => self.extensions = Extensions::default(),
            Asked::Xclient if reply.is_success() => {
                self.extensions = Extensions::default();
                self.accepted = 0;
            }
            Asked::StartTls if reply.code() == 220 => {
                if !self.input.is_empty() {
                    return Err(ClientFault::InjectedBeforeTls);
                }
                self.phase = Phase::Handshake;
            }
            Asked::Auth if reply.code() == 334 => self.phase = Phase::AuthLine,
            Asked::Data if reply.code() == 354 => self.phase = Phase::Content,
            Asked::Mail | Asked::Reset => self.accepted = 0,
            Asked::Rcpt if reply.is_success() => self.accepted = self.accepted.saturating_add(1),
            _ => {}
        }
        Ok(Answer { to, reply })
    }

    /// Remembers the first fault; nothing more goes out or comes in.
    fn fail(&mut self, fault: ClientFault) {
        self.input.clear();
        self.output.clear();
        self.fault.get_or_insert(fault);
    }
}

#[cfg(test)]
mod tests;
