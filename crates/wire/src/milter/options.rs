//! Option negotiation: what a filter wants, what the mail server offers, and what holds for the connection.

use super::packet;

/// The oldest version we speak, and the newest.
const VERSION_MIN: u32 = 2;
const VERSION_MAX: u32 = 6;
/// Bytes of an option packet: version, actions, protocol.
const OPTIONS_SIZE: usize = 12;

/// What a filter may do to a message (`SMFIF_…`).
pub mod actions {
    /// Add header fields, at the end or at a place.
    pub const ADD_HEADERS: u32 = 0x1;
    /// Replace the body.
    pub const CHANGE_BODY: u32 = 0x2;
    /// Add recipients.
    pub const ADD_RECIPIENTS: u32 = 0x4;
    /// Remove recipients.
    pub const DELETE_RECIPIENTS: u32 = 0x8;
    /// Change and remove header fields.
    pub const CHANGE_HEADERS: u32 = 0x10;
    /// Have the mail server hold the message.
    pub const QUARANTINE: u32 = 0x20;
    /// Change the sender.
    pub const CHANGE_SENDER: u32 = 0x40;
    /// Add recipients with ESMTP parameters.
    pub const ADD_RECIPIENTS_PAR: u32 = 0x80;
    /// Say which macros are wanted.
    pub const MACRO_LISTS: u32 = 0x100;
}

/// Steps that are left out, answers that are not given, and other forms (`SMFIP_…`).
pub mod protocol {
    /// The filter need not hear of a step: in the order CONNECT, HELO, MAIL, RCPT, body, header, end of header.
    pub const NO_STEPS: u32 = 0x7f;
    /// No answer to a header field.
    pub const NO_REPLY_HEADER: u32 = 0x80;
    /// Unknown SMTP commands are not told.
    pub const NO_UNKNOWN: u32 = 0x100;
    /// DATA is not told.
    pub const NO_DATA: u32 = 0x200;
    /// A filter may ask for no more of the body.
    pub const SKIP: u32 = 0x400;
    /// Recipients that the mail server has refused are told as well.
    pub const REJECTED_RECIPIENTS: u32 = 0x800;
    /// No answer to CONNECT.
    pub const NO_REPLY_CONNECT: u32 = 0x1000;
    /// No answer to HELO.
    pub const NO_REPLY_HELO: u32 = 0x2000;
    /// No answer to MAIL.
    pub const NO_REPLY_MAIL: u32 = 0x4000;
    /// No answer to RCPT.
    pub const NO_REPLY_RCPT: u32 = 0x8000;
    /// No answer to DATA.
    pub const NO_REPLY_DATA: u32 = 0x1_0000;
    /// No answer to an unknown command.
    pub const NO_REPLY_UNKNOWN: u32 = 0x2_0000;
    /// No answer to the end of the header.
    pub const NO_REPLY_END_OF_HEADER: u32 = 0x4_0000;
    /// No answer to a piece of the body.
    pub const NO_REPLY_BODY: u32 = 0x8_0000;
    /// Header values with their leading blanks, both ways.
    pub const LEADING_BLANKS: u32 = 0x10_0000;
}

/// What a filter wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Actions it cannot do without: a mail server that does not offer all of them is refused.
    pub needed_actions: u32,
    /// Actions it would use as well.
    pub more_actions: u32,
    /// Protocol bits it would like; what is not offered is done without.
    pub protocol: u32,
    /// The macros it wants to hear of, by stage: 0 CONNECT, 1 HELO, 2 MAIL, 3 RCPT, 4 DATA, 5 end of message, 6 end
    /// of header. Names with blanks between.
    pub macros: Vec<(u32, String)>,
}

/// What holds for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The version.
    pub version: u32,
    /// The actions that may be used.
    pub actions: u32,
    /// The protocol bits in force.
    pub protocol: u32,
}

/// Why there is no agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAgreement {
    /// The packet is too short.
    Malformed,
    /// A version before 2.
    Version(u32),
    /// These needed actions are not offered.
    Actions(u32),
}

/// Compares what is wanted with what is offered; the answer goes to `out`.
///
/// # Errors
/// [`NoAgreement`]; nothing is written then.
pub fn negotiate(wanted: &Wanted, offer: &[u8], out: &mut Vec<u8>) -> Result<Agreed, NoAgreement> {
    let (words, _) = offer.get(..OPTIONS_SIZE).ok_or(NoAgreement::Malformed)?.as_chunks::<4>();
    let mut words = words.iter().map(|word| u32::from_be_bytes(*word));
    let mut next = || words.next().ok_or(NoAgreement::Malformed);
    let (version, offered, protocol) = (next()?, next()?, next()?);
    if version < VERSION_MIN {
        return Err(NoAgreement::Version(version));
    }
    let missing = wanted.needed_actions & !offered;
    if missing != 0 {
        return Err(NoAgreement::Actions(missing));
    }
    let mut actions = (wanted.needed_actions | wanted.more_actions) & offered & !actions::MACRO_LISTS;
    let mut lists = Vec::new();
    if offered & actions::MACRO_LISTS != 0 && !wanted.macros.is_empty() {
        actions |= actions::MACRO_LISTS;
        for (stage, names) in &wanted.macros {
            lists.extend_from_slice(&stage.to_be_bytes());
            lists.extend_from_slice(names.as_bytes());
            lists.push(0);
        }
    }
    let agreed = Agreed { version: version.min(VERSION_MAX), actions, protocol: wanted.protocol & protocol };
    let words = [agreed.version, agreed.actions, agreed.protocol].map(u32::to_be_bytes);
    packet::write(b'O', &[words.as_flattened(), &lists], out);
    Ok(agreed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(version: u32, actions: u32, protocol: u32) -> Vec<u8> {
        [version, actions, protocol].iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn wanted() -> Wanted {
        Wanted {
            needed_actions: actions::ADD_HEADERS | actions::CHANGE_BODY,
            more_actions: actions::QUARANTINE,
            protocol: protocol::NO_REPLY_BODY | protocol::LEADING_BLANKS,
            macros: vec![(0, "j {client_addr}".to_owned())],
        }
    }

    #[test]
    fn what_is_offered_and_wanted_holds() {
        let cases = [
            (6, 0x1ff, 0x1f_ffff, (6, 0x123, 0x18_0000), true),
            (6, 0xff, 0x1f_ffff, (6, 0x23, 0x18_0000), false),
            (2, 0x1f, 0x7f, (2, 0x3, 0), false),
            (9, u32::MAX, u32::MAX, (6, 0x123, 0x18_0000), true),
        ];
        for (version, actions, protocol, expected, lists) in cases {
            let mut out = Vec::new();
            let agreed = negotiate(&wanted(), &offer(version, actions, protocol), &mut out).unwrap();
            assert_eq!((agreed.version, agreed.actions, agreed.protocol), expected);
            let mut answer = b"O".to_vec();
            answer.extend(offer(expected.0, expected.1, expected.2));
            if lists {
                answer.extend(b"\0\0\0\0j {client_addr}\0");
            }
            assert_eq!(out[4..], answer);
        }
    }

    #[test]
    fn without_what_is_needed_there_is_no_agreement() {
        let mut out = Vec::new();
        let cases = [
            (offer(6, 1, 0x7f), NoAgreement::Actions(2)),
            (offer(1, 0x1ff, 0x7f), NoAgreement::Version(1)),
            (offer(6, 0x1ff, 0)[..11].to_vec(), NoAgreement::Malformed),
        ];
        for (offer, why) in cases {
            assert_eq!(negotiate(&wanted(), &offer, &mut out), Err(why));
        }
        assert!(out.is_empty());
    }
}
