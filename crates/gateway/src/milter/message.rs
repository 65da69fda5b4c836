//! One message as a mail server tells it, put together again byte for byte.
//!
//! Limits: the configuration's for size, recipients and bytes in work; [`FIELDS_MAX`] header fields, [`HEAD_MAX`] bytes
//! of header. Whatever is over one, and a field that cannot be one, makes the message one that is refused at its end:
//! the mail server is not asked to wait for an answer before.

use std::sync::Arc;

use mail::address::Address;
use mail::arrival::{Envelope, MessageId};
use service::id;
use service::outbox::Asked;
use service::spool::{Spool, Spooler};
use settings::config::Limits;
use wire::milter::edits::Field;
use wire::smtp::reply::Reply;

use super::client::Path;
use crate::permits::{Permit, Permits};

/// Most header fields of a message.
const FIELDS_MAX: u32 = 20_000;
/// Most bytes of a message's header.
const HEAD_MAX: u64 = 4 << 20;

/// A recipient in the mail server's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The path, as it has to be said to take the recipient out.
    pub(super) path: Vec<u8>,
    /// What the client asked for beside it, as it wrote that.
    pub(super) parameters: String,
}

/// A message that is coming in.
pub(super) struct Message {
    id: MessageId,
    received_ms: u64,
    mail_from: Option<Address>,
    /// What the client asked for beside its sender.
    parameters: String,
    recipients: Vec<(Address, Told)>,
    spooler: Option<Spooler>,
    permit: Permit,
    fault: Option<Reply>,
    fields: u32,
    /// Bytes of the header with its empty line, once it is complete.
    head: Option<u64>,
}

/// A message that came in whole.
pub(super) struct Complete {
    pub(super) id: MessageId,
    pub(super) received_ms: u64,
    pub(super) envelope: Envelope,
    /// The recipients as the mail server told them.
    pub(super) as_told: Vec<(Address, Told)>,
    /// Which reports the client asked for, and whatever else stood beside the addresses.
    pub(super) asked: Asked,
    pub(super) spool: Spool,
    /// Bytes of its header, the empty line counted.
    pub(super) head: u64,
    /// Held as long as the message is in work.
    pub(super) _permit: Permit,
}

impl Message {
    /// One whose sender was just told.
    pub(super) fn new(sender: Path, spool_dir: &std::path::Path, limits: &Limits, permits: &Arc<Permits>) -> Self {
        let threshold = usize::try_from(limits.spool_threshold.0).unwrap_or(usize::MAX);
        let bad = || Reply::say(550, "5.1.7 Bad sender address syntax");
        let (mail_from, fault) = match sender {
            Path::Of(address) => (Some(address), None),
            Path::Null => (None, None),
            Path::Bad => (None, Some(bad())),
        };
        Self {
            id: id::message_id(),
            received_ms: id::now_ms(),
            mail_from,
            parameters: String::new(),
            recipients: Vec::new(),
            spooler: Some(Spooler::new(spool_dir, threshold)),
            permit: permits.none(None),
            fault,
            fields: 0,
            head: None,
        }
    }

    /// Whether content has come.
    pub(super) fn has_content(&self) -> bool {
        self.fields > 0 || self.head.is_some()
    }

    /// Whether nothing more of it is of use.
    pub(super) fn is_given_up(&self) -> bool {
        self.fault.is_some()
    }

    /// Who sends it; `None` for the null sender.
    pub(super) fn sender(&self) -> Option<&Address> {
        self.mail_from.as_ref()
    }

    /// How many recipients it has.
    pub(super) fn accepted(&self) -> u32 {
        u32::try_from(self.recipients.len()).unwrap_or(u32::MAX)
    }

    /// What stood beside the sender.
    pub(super) fn asks(&mut self, parameters: String) {
        self.parameters = parameters;
    }

    /// One more recipient. Without one of them the message would be decided about for others than get it.
    pub(super) fn recipient(&mut self, recipient: Path, told: Told, limits: &Limits) {
        if self.recipients.len() >= limits.recipients as usize {
            return self.give_up(Reply::say(452, "4.5.3 Too many recipients"));
        }
        match recipient {
            Path::Of(address) => self.recipients.push((address, told)),
            Path::Null | Path::Bad => self.give_up(Reply::say(550, "5.1.3 Bad recipient address syntax")),
        }
    }

    /// A header field.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8], blanks: bool, limits: &Limits) {
        let value = value.trim_ascii_end_lines();
        if !is_field(name, value) {
            return self.give_up(Reply::say(550, "5.6.0 Malformed header field"));
        }
        let mut line = Vec::with_capacity(name.len().saturating_add(value.len()).saturating_add(4));
        Field { name: name.to_vec(), value: value.to_vec() }.write(blanks, &mut line);
        self.fields = self.fields.saturating_add(1);
        let length = self.spooler.as_ref().map_or(0, Spooler::len).saturating_add(line.len() as u64);
        if self.fields > FIELDS_MAX || length > HEAD_MAX {
            return self.give_up(Reply::say(552, "5.3.4 Message header is too large"));
        }
        self.write(&line, limits);
    }

    /// The end of the header; a second one is nothing.
    pub(super) fn end_of_header(&mut self, limits: &Limits) {
        if self.head.is_none() {
            self.write(b"\r\n", limits);
            self.head = Some(self.spooler.as_ref().map_or(0, Spooler::len));
        }
    }

    /// A piece of the body.
    pub(super) fn body(&mut self, piece: &[u8], limits: &Limits) {
        self.end_of_header(limits);
        self.write(piece, limits);
    }

    fn write(&mut self, bytes: &[u8], limits: &Limits) {
        let Some(spooler) = &mut self.spooler else { return };
        let after = spooler.len().saturating_add(bytes.len() as u64);
        if after > limits.max_message_size.0 {
            return self.give_up(Reply::say(552, "5.3.4 Message size exceeds fixed limit"));
        }
        if !self.permit.cover(after) {
            tracing::warn!("too many bytes in work (limits.bytes_in_flight); a message is deferred");
            return self.give_up(Reply::say(452, "4.3.1 Insufficient system resources, please try again later"));
        }
        if let Err(error) = spooler.write(bytes) {
            tracing::error!(%error, "a message could not be spooled; it is answered 452");
            self.give_up(Reply::say(452, "4.3.1 Insufficient system storage, please try again later"));
        }
    }

    /// What came is of no use any more: neither its bytes nor their permit are kept while the rest comes in.
    fn give_up(&mut self, reply: Reply) {
        self.fault.get_or_insert(reply);
        self.spooler = None;
        self.permit.give_back();
    }

    /// The end of the message: all of it, or why it is refused.
    pub(super) fn finish(mut self, limits: &Limits) -> Result<Complete, Reply> {
        self.end_of_header(limits);
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let lost = || Reply::say(451, "4.3.0 Internal error, please try again later");
        let (spooler, head) = self.spooler.zip(self.head).ok_or_else(lost)?;
        Ok(Complete {
            id: self.id,
            received_ms: self.received_ms,
            envelope: Envelope {
                mail_from: self.mail_from,
                rcpt_to: self.recipients.iter().map(|(address, _)| address.clone()).collect(),
                unknown: false,
            },
            asked: Asked {
                mail: self.parameters,
                recipients: self.recipients.iter().map(|(to, told)| (to.clone(), told.parameters.clone())).collect(),
            },
            as_told: self.recipients,
            spool: spooler.finish(),
            head,
            _permit: self.permit,
        })
    }
}

/// Whether name and value can stand in a header: what follows a line end continues the field.
fn is_field(name: &[u8], value: &[u8]) -> bool {
    let plain = !name.is_empty() && !name.iter().any(|byte| matches!(byte, b':' | b'\r' | b'\n'));
    let starts = !matches!(name.first(), Some(b' ' | b'\t'));
    let ends = value.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut continued = ends.map(|(at, _)| value.get(at.saturating_add(1)));
    plain && starts && continued.all(|next| matches!(next, Some(b' ' | b'\t')))
}

trait Lines {
    fn trim_ascii_end_lines(&self) -> &[u8];
}

impl Lines for [u8] {
    /// Without line ends at the end: a field's own is added when it is written.
    fn trim_ascii_end_lines(&self) -> &[u8] {
        let end = self.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at.saturating_add(1));
        self.get(..end).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_be_one_field_is_none() {
        for (name, value) in [("A", " b"), ("A", ""), ("A", " b\n\tc\n d"), ("a b", "c"), ("A", "b\rc")] {
            assert!(is_field(name.as_bytes(), value.as_bytes()), "{name} {value}");
        }
        for (name, value) in [("", "b"), ("A:", "b"), (" A", "b"), ("A\nB", "c"), ("A", " b\nB: c"), ("A", "b\n\n c")] {
            assert!(!is_field(name.as_bytes(), value.as_bytes()), "{name} {value}");
        }
        assert_eq!(b" b\n c\r\n\n".trim_ascii_end_lines(), b" b\n c");
    }

    #[test]
    fn a_message_is_put_together_as_it_was() {
        let limits = Limits::default();
        let dir = tempfile::tempdir().unwrap();
        let permits = Permits::new(limits.bytes_in_flight.0, 0, Arc::default());
        let mut message = Message::new(Path::Null, dir.path(), &limits, &permits);
        message.field(b"Subject", b"  a\n\tb", true, &limits);
        message.field(b"To", b"c", true, &limits);
        message.end_of_header(&limits);
        message.body(b"one\r\n", &limits);
        message.body(b".two\r\n", &limits);
        let complete = message.finish(&limits).ok().unwrap();
        assert_eq!(&complete.spool.bytes().unwrap()[..], b"Subject:  a\r\n\tb\r\nTo:c\r\n\r\none\r\n.two\r\n");
        assert_eq!(complete.head, 25);
    }

    #[test]
    fn what_is_too_large_is_refused_at_its_end_and_holds_nothing() {
        let limits = Limits { max_message_size: judge::units::Bytes(1000), ..Limits::default() };
        let dir = tempfile::tempdir().unwrap();
        let permits = Permits::new(1 << 20, 0, Arc::default());
        let mut message = Message::new(Path::Null, dir.path(), &limits, &permits);
        message.field(b"Subject", b" x", true, &limits);
        message.body(&[b'x'; 2000], &limits);
        assert!(message.is_given_up() && permits.take(1 << 20).is_some());
        message.body(b"more", &limits);
        assert_eq!(message.finish(&limits).err().unwrap().code(), 552);
        let mut message = Message::new(Path::Null, dir.path(), &limits, &permits);
        message.field(b"A", b" b\nB: c", true, &limits);
        assert_eq!(message.finish(&limits).err().unwrap().code(), 550);
        let few = Limits { recipients: 1, ..Limits::default() };
        let mut message = Message::new(Path::Null, dir.path(), &few, &permits);
        message.recipient(Path::Of(Address::parse("a@example.org").unwrap()), Told::default(), &few);
        message.recipient(Path::Of(Address::parse("b@example.org").unwrap()), Told::default(), &few);
        assert_eq!(message.finish(&few).err().unwrap().code(), 452);
    }

    #[test]
    fn a_message_for_somebody_who_has_no_address_is_refused_as_a_whole() {
        let limits = Limits::default();
        let dir = tempfile::tempdir().unwrap();
        let permits = Permits::new(1 << 20, 0, Arc::default());
        let refused = |sender: Path, recipient: Path| {
            let mut message = Message::new(sender, dir.path(), &limits, &permits);
            message.recipient(Path::Of(Address::parse("a@example.org").unwrap()), Told::default(), &limits);
            message.recipient(recipient, Told::default(), &limits);
            message.field(b"A", b" b", true, &limits);
            message.finish(&limits).err().map(|reply| (reply.code(), reply.text().to_owned()))
        };
        let good = || Path::Of(Address::parse("b@example.org").unwrap());
        assert_eq!(refused(Path::Null, good()), None);
        assert!(refused(Path::Bad, good()).is_some_and(|(code, text)| code == 550 && text.starts_with("5.1.7")));
        for bad in [Path::Bad, Path::Null] {
            assert!(refused(good(), bad).is_some_and(|(code, text)| code == 550 && text.starts_with("5.1.3")));
        }
    }
}
