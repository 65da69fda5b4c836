//! The machine of one connection: bytes of a mail server in, events out; answers in, bytes out.
//!
//! The negotiation is its own. Every other event goes to the caller; one that the mail server waits for is answered
//! once with [`Server::answer`] before the next step. Limits: [`INPUT_MAX`] bytes wait to be read, one packet is held;
//! output is bounded by the caller, who flushes when [`Server::output`] is over [`OUTPUT_HIGH`].

use super::command::{Event, Stage};
use super::macros::Macros;
use super::options::{Agreed, NoAgreement, Wanted, negotiate, protocol};
use super::packet::{BadLength, Packet, PacketReader, write};
use super::reply::{Answer, Change, ChangeFault};
use crate::queue::ByteQueue;

/// Most bytes that wait to be read.
pub const INPUT_MAX: usize = 64 * 1024;
/// Above this many bytes of output no step is made until some are sent.
pub const OUTPUT_HIGH: usize = 256 * 1024;

/// Why a connection cannot go on. The mail server then does what it is configured to do without a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A packet of no byte, or of too many.
    Length(u32),
    /// A command letter that is none, or a payload that is not its own.
    Malformed(u8),
    /// Something else before the options, or options a second time.
    NotNegotiated(u8),
    /// A part of a message outside of one.
    OutOfOrder(u8),
    /// The options do not fit.
    NoAgreement(NoAgreement),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let letter = |letter: &u8| char::from(*letter).escape_default().to_string();
        match self {
            Self::Length(length) => write!(f, "a packet of {length} bytes"),
            Self::Malformed(command) => write!(f, "a malformed command {}", letter(command)),
            Self::NotNegotiated(command) => write!(f, "command {} where options are due", letter(command)),
            Self::OutOfOrder(command) => write!(f, "command {} outside of a message", letter(command)),
            Self::NoAgreement(NoAgreement::Malformed) => f.write_str("malformed options"),
            Self::NoAgreement(NoAgreement::Version(version)) => write!(f, "version {version} of the protocol"),
            Self::NoAgreement(NoAgreement::Actions(actions)) => {
                write!(f, "the mail server does not allow what we need (actions {actions:#x})")
            }
        }
    }
}

impl std::error::Error for Fault {}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Feed more input.
    Need,
    /// Send output first.
    Flush,
    /// An event was not answered yet.
    Waiting,
    /// Something was told.
    Event(Event),
    /// The mail server said goodbye.
    Closed,
    /// The connection cannot go on.
    Failed(Fault),
}

/// Where the message stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Outside,
    Envelope,
    Header,
    Body,
}

/// One connection.
pub struct Server {
    wanted: Wanted,
    agreed: Option<Agreed>,
    input: ByteQueue,
    packets: PacketReader,
    output: ByteQueue,
    macros: Macros,
    place: Place,
    waiting: Option<Stage>,
    /// The end of a message whose packet brought the last piece of its body.
    end_follows: bool,
    closed: bool,
    fault: Option<Fault>,
}

impl Server {
    /// A connection that has just been made.
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            agreed: None,
            input: ByteQueue::new(INPUT_MAX),
            packets: PacketReader::default(),
            output: ByteQueue::new(usize::MAX),
            macros: Macros::default(),
            place: Place::Outside,
            waiting: None,
            end_follows: false,
            closed: false,
            fault: None,
        }
    }

    /// Takes input; how many bytes of it.
    pub fn feed(&mut self, input: &[u8]) -> usize {
        self.input.push(input)
    }

    /// What there is to send.
    pub fn output(&self) -> &[u8] {
        self.output.pending()
    }

    /// So many bytes of the output were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.output.consume(bytes);
    }

    /// What was agreed, once it was.
    pub fn agreed(&self) -> Option<Agreed> {
        self.agreed
    }

    /// Whether header values come and go with their leading blanks.
    pub fn has_leading_blanks(&self) -> bool {
        self.has(protocol::LEADING_BLANKS)
    }

    /// Whether such an action may be used.
    pub fn allows(&self, action: u32) -> bool {
        self.agreed.is_some_and(|agreed| agreed.actions & action == action)
    }

    /// What the mail server told beside its commands.
    pub fn macros(&self) -> &Macros {
        &self.macros
    }

    /// Whether a message has begun and not ended.
    pub fn in_message(&self) -> bool {
        self.place != Place::Outside
    }

    /// Whether the last event waits for its answer.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether the body may be skipped now.
    pub fn may_skip(&self) -> bool {
        self.waiting == Some(Stage::Body) && self.has(protocol::SKIP)
    }

    fn has(&self, bit: u32) -> bool {
        self.agreed.is_some_and(|agreed| agreed.protocol & bit != 0)
    }

    /// The next step.
    pub fn step(&mut self) -> Step {
        loop {
            if let Some(fault) = self.fault {
                return Step::Failed(fault);
            }
            if self.waiting.is_some() {
                return Step::Waiting;
            }
            if self.output.len() > OUTPUT_HIGH {
                return Step::Flush;
            }
            if std::mem::take(&mut self.end_follows) {
                return self.told(Event::EndOfMessage);
            }
            if self.closed {
                return Step::Closed;
            }
            let packet = match self.packets.push(self.input.pending()) {
                Ok((used, packet)) => {
                    self.input.consume(used);
                    packet
                }
                Err(BadLength(length)) => {
                    self.fault = Some(Fault::Length(length));
                    continue;
                }
            };
            let Some(packet) = packet else { return Step::Need };
            match self.take(packet) {
                Ok(Some(event)) => return self.told(event),
                Ok(None) => {}
                Err(fault) => self.fault = Some(fault),
            }
        }
    }

    /// A packet: an event, or something for us alone.
    fn take(&mut self, Packet { command, mut payload }: Packet) -> Result<Option<Event>, Fault> {
        if (command == b'O') != self.agreed.is_none() {
            return Err(Fault::NotNegotiated(command));
        }
        match command {
            b'O' => {
                let agreed = negotiate(&self.wanted, &payload, self.output.tail()).map_err(Fault::NoAgreement)?;
                self.agreed = Some(agreed);
                return Ok(None);
            }
            b'D' => return self.macros.define(&payload).map(|()| None).ok_or(Fault::Malformed(command)),
            _ => {}
        }
        let last_piece = if command == b'E' { std::mem::take(&mut payload) } else { Vec::new() };
        let event = Event::read(command, payload).ok_or(Fault::Malformed(command))?;
        self.place = self.place_after(&event).ok_or(Fault::OutOfOrder(command))?;
        if last_piece.is_empty() {
            return Ok(Some(event));
        }
        self.end_follows = true;
        Ok(Some(Event::Body(last_piece)))
    }

    /// Where the message stands after an event; `None` where it may not stand.
    fn place_after(&self, event: &Event) -> Option<Place> {
        let inside = |place: Place| (self.place != Place::Outside && self.place <= place).then_some(place);
        match event {
            Event::Mail(_) => Some(Place::Envelope),
            Event::Rcpt(_) | Event::Data => inside(Place::Envelope),
            Event::Header { .. } => inside(Place::Header),
            Event::EndOfHeader | Event::Body(_) | Event::EndOfMessage => inside(Place::Body),
            Event::Unknown(_) => Some(self.place),
            Event::Connect(_) | Event::Helo(_) | Event::Abort | Event::NextClient | Event::Quit => Some(Place::Outside),
        }
    }

    fn told(&mut self, event: Event) -> Step {
        match &event {
            Event::Abort => self.macros.end_message(),
            Event::NextClient => self.macros.clear(),
            Event::Quit => self.closed = true,
            _ => self.waiting = event.stage().filter(|stage| self.is_answered(*stage)),
        }
        Step::Event(event)
    }

    /// Whether the mail server waits for an answer at this stage.
    fn is_answered(&self, stage: Stage) -> bool {
        let bit = match stage {
            Stage::Connect => protocol::NO_REPLY_CONNECT,
            Stage::Helo => protocol::NO_REPLY_HELO,
            Stage::Mail => protocol::NO_REPLY_MAIL,
            Stage::Rcpt => protocol::NO_REPLY_RCPT,
            Stage::Data => protocol::NO_REPLY_DATA,
            Stage::Header => protocol::NO_REPLY_HEADER,
            Stage::EndOfHeader => protocol::NO_REPLY_END_OF_HEADER,
            Stage::Body => protocol::NO_REPLY_BODY,
            Stage::Unknown => protocol::NO_REPLY_UNKNOWN,
            Stage::EndOfMessage => return true,
        };
        !self.has(bit)
    }

    /// Answers the last event; `false` when nobody waits for an answer.
    pub fn answer(&mut self, answer: &Answer) -> bool {
        let Some(stage) = self.waiting.take() else { return false };
        answer.write(self.output.tail());
        if stage == Stage::EndOfMessage {
            self.macros.end_message();
        }
        // No other answer than to go on leaves a message to be told.
        let goes_on = matches!(answer, Answer::Continue | Answer::Skip);
        let of_recipient = stage == Stage::Rcpt && !matches!(answer, Answer::Accept | Answer::Discard);
        if stage == Stage::EndOfMessage || !(goes_on || of_recipient) {
            self.place = Place::Outside;
        }
        true
    }

    /// Tells a change of the message whose end was just told.
    ///
    /// # Errors
    /// See [`ChangeFault`]; nothing is told then.
    pub fn change(&mut self, change: &Change) -> Result<(), ChangeFault> {
        if self.waiting != Some(Stage::EndOfMessage) {
            return Err(ChangeFault::NotNow);
        }
        if !self.allows(change.action()) {
            return Err(ChangeFault::NotAgreed);
        }
        change.write(self.output.tail())
    }

    /// Says that we are still at it: the mail server waits anew. `false` when it does not wait for the end of a message.
    pub fn progress(&mut self) -> bool {
        let due = self.waiting == Some(Stage::EndOfMessage);
        if due {
            write(b'p', &[], self.output.tail());
        }
        due
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
