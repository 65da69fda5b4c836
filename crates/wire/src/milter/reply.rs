//! What a filter answers, and how it has a message changed.

use super::options::actions;
use super::{CHUNK_MAX, packet};
use crate::smtp::reply::Reply;

/// A final answer to one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Go on; at the end of a message: take it, with the changes that were told.
    Continue,
    /// Take the message, or the client, without asking further.
    Accept,
    /// Refuse, in the mail server's own words.
    Reject,
    /// Refuse for now, in the mail server's own words.
    Tempfail,
    /// Refuse in these words: a 4xx or 5xx; any other code is sent as [`Answer::Tempfail`].
    Reply(Reply),
    /// Say yes, and throw the message away.
    Discard,
    /// No more of the body is wanted. Only where it was agreed.
    Skip,
}

impl Answer {
    /// Writes it.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let letter = match self {
            Self::Continue => b'c',
            Self::Accept => b'a',
            Self::Reject => b'r',
            Self::Tempfail => b't',
            Self::Discard => b'd',
            Self::Skip => b's',
            Self::Reply(reply) if reply.is_transient() || reply.is_permanent() => {
                return packet::write(b'y', &[&words(reply), &[0]], out);
            }
            Self::Reply(_) => b't',
        };
        packet::write(letter, &[], out);
    }
}

/// A reply's lines; a percent sign is doubled, because mail servers take the text for a format.
fn words(reply: &Reply) -> Vec<u8> {
    let mut lines = Vec::new();
    reply.render(&mut lines);
    let lines = lines.strip_suffix(b"\r\n").unwrap_or(&lines);
    let mut out = Vec::with_capacity(lines.len());
    for byte in lines {
        out.push(*byte);
        if *byte == b'%' {
            out.push(b'%');
        }
    }
    out
}

/// A change of a message; told at its end, before the answer. Header values have LF as their line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A header field behind the others.
    AddHeader {
        /// Its name.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// A header field at a place.
    InsertHeader {
        /// How many fields stand above it.
        at: u32,
        /// Its name.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// Another value for a header field; an empty one removes the field.
    ChangeHeader {
        /// Which of those with this name, from 1 on.
        occurrence: u32,
        /// Its name.
        name: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
    },
    /// The first or next piece of a new body, at most [`CHUNK_MAX`] bytes; all pieces take the place of the old one.
    Body(Vec<u8>),
    /// Another sender, in angle brackets.
    Sender(Vec<u8>),
    /// One more recipient, in angle brackets, and its ESMTP parameters.
    AddRecipient {
        /// The address.
        address: Vec<u8>,
        /// The parameters, if there are any.
        parameters: Option<Vec<u8>>,
    },
    /// One recipient less, in angle brackets.
    DeleteRecipient(Vec<u8>),
    /// The mail server holds the message, for this reason.
    Quarantine(Vec<u8>),
}

/// Why a change cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFault {
    /// The mail server is not at the end of a message.
    NotNow,
    /// It was not agreed that such changes are made.
    NotAgreed,
    /// A NUL in a text.
    Nul,
    /// A piece of a body over [`CHUNK_MAX`] bytes.
    TooLong,
}

impl Change {
    /// The action that must be agreed.
    pub fn action(&self) -> u32 {
        match self {
            Self::AddHeader { .. } | Self::InsertHeader { .. } => actions::ADD_HEADERS,
            Self::ChangeHeader { .. } => actions::CHANGE_HEADERS,
            Self::Body(_) => actions::CHANGE_BODY,
            Self::Sender(_) => actions::CHANGE_SENDER,
            Self::AddRecipient { parameters: None, .. } => actions::ADD_RECIPIENTS,
            Self::AddRecipient { parameters: Some(_), .. } => actions::ADD_RECIPIENTS_PAR,
            Self::DeleteRecipient(_) => actions::DELETE_RECIPIENTS,
            Self::Quarantine(_) => actions::QUARANTINE,
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`ChangeFault::Nul`], [`ChangeFault::TooLong`]; nothing is written then.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), ChangeFault> {
        let mut texts = |letter: u8, number: &[u8], texts: &[&[u8]]| {
            if texts.iter().any(|text| text.contains(&0)) {
                return Err(ChangeFault::Nul);
            }
            let mut pieces = vec![number];
            texts.iter().for_each(|text| pieces.extend([*text, &[0]]));
            packet::write(letter, &pieces, out);
            Ok(())
        };
        match self {
            Self::AddHeader { name, value } => texts(b'h', &[], &[name, value]),
            Self::InsertHeader { at, name, value } => texts(b'i', &at.to_be_bytes(), &[name, value]),
            Self::ChangeHeader { occurrence, name, value } => texts(b'm', &occurrence.to_be_bytes(), &[name, value]),
            Self::Body(piece) if piece.len() > CHUNK_MAX => Err(ChangeFault::TooLong),
            Self::Body(piece) => {
                packet::write(b'b', &[piece], out);
                Ok(())
            }
            Self::Sender(address) => texts(b'e', &[], &[address]),
            Self::AddRecipient { address, parameters: None } => texts(b'+', &[], &[address]),
            Self::AddRecipient { address, parameters: Some(parameters) } => texts(b'2', &[], &[address, parameters]),
            Self::DeleteRecipient(address) => texts(b'-', &[], &[address]),
            Self::Quarantine(reason) => texts(b'q', &[], &[reason]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::PeerText;

    fn bytes(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    #[test]
    fn answers_are_one_letter_or_words() {
        let two = [PeerText::new("5.7.1 100% sure"), PeerText::new("5.7.1 bye")];
        let cases = [
            (Answer::Continue, &b"\0\0\0\x01c"[..]),
            (Answer::Accept, b"\0\0\0\x01a"),
            (Answer::Reject, b"\0\0\0\x01r"),
            (Answer::Tempfail, b"\0\0\0\x01t"),
            (Answer::Discard, b"\0\0\0\x01d"),
            (Answer::Skip, b"\0\0\0\x01s"),
            (Answer::Reply(Reply::say(451, "4.3.0 later")), b"\0\0\0\x11y451 4.3.0 later\0"),
            (Answer::Reply(Reply::say(250, "2.0.0 Ok")), b"\0\0\0\x01t"),
            (Answer::Reply(Reply::with_lines(550, &two)), b"\0\0\0\x25y550-5.7.1 100%% sure\r\n550 5.7.1 bye\0"),
        ];
        for (answer, expected) in cases {
            let mut out = Vec::new();
            answer.write(&mut out);
            assert_eq!(out, expected, "{answer:?}");
        }
    }

    #[test]
    fn changes_have_their_letter_and_number() {
        let (name, value) = (bytes("A"), bytes(" b"));
        let cases = [
            (Change::AddHeader { name: name.clone(), value: value.clone() }, &b"\0\0\0\x06hA\0 b\0"[..]),
            (
                Change::InsertHeader { at: 258, name: name.clone(), value: value.clone() },
                b"\0\0\0\x0ai\0\0\x01\x02A\0 b\0",
            ),
            (Change::ChangeHeader { occurrence: 1, name, value: vec![] }, b"\0\0\0\x08m\0\0\0\x01A\0\0"),
            (Change::Body(bytes("x\0y")), b"\0\0\0\x04bx\0y"),
            (Change::Sender(bytes("<a>")), b"\0\0\0\x05e<a>\0"),
            (Change::AddRecipient { address: bytes("<a>"), parameters: None }, b"\0\0\0\x05+<a>\0"),
            (Change::AddRecipient { address: bytes("<a>"), parameters: Some(bytes("N")) }, b"\0\0\0\x072<a>\0N\0"),
            (Change::DeleteRecipient(bytes("<a>")), b"\0\0\0\x05-<a>\0"),
            (Change::Quarantine(bytes("why")), b"\0\0\0\x05qwhy\0"),
        ];
        for (change, expected) in cases {
            let mut out = Vec::new();
            assert_eq!(change.write(&mut out), Ok(()));
            assert_eq!(out, expected, "{change:?}");
        }
    }

    #[test]
    fn a_nul_never_ends_a_text_early() {
        let mut out = Vec::new();
        let nul = Change::AddHeader { name: bytes("A"), value: bytes("b\0c") };
        assert_eq!(nul.write(&mut out), Err(ChangeFault::Nul));
        assert_eq!(Change::Body(vec![b'x'; CHUNK_MAX + 1]).write(&mut out), Err(ChangeFault::TooLong));
        assert!(out.is_empty());
    }
}
