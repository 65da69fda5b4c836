//! What a mail server says: command letters and their payloads.
//!
//! Not handled, because we never ask for it: recipients that the mail server refused.

use super::packet;

/// Most arguments of MAIL and RCPT that are kept, the address counted.
pub const ARGUMENTS_MAX: usize = 64;

/// A step of a session, as macros and answers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A client connected.
    Connect,
    /// HELO or EHLO.
    Helo,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// A header field.
    Header,
    /// The end of the header.
    EndOfHeader,
    /// A piece of the body.
    Body,
    /// The end of the message.
    EndOfMessage,
    /// A command that the mail server does not know.
    Unknown,
}

impl Stage {
    /// The stage of a command letter.
    pub fn of(command: u8) -> Option<Self> {
        Some(match command {
            b'C' => Self::Connect,
            b'H' => Self::Helo,
            b'M' => Self::Mail,
            b'R' => Self::Rcpt,
            b'T' => Self::Data,
            b'L' => Self::Header,
            b'N' => Self::EndOfHeader,
            b'B' => Self::Body,
            b'E' => Self::EndOfMessage,
            b'U' => Self::Unknown,
            _ => return None,
        })
    }
}

/// The kind of a client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Not known.
    Unknown,
    /// A socket in the file system.
    Unix,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}

/// A client that connected to the mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Its name as the mail server has found it, or its address in brackets.
    pub host: Vec<u8>,
    /// What kind its address is.
    pub family: Family,
    /// Its port; 0 where there is none.
    pub port: u16,
    /// Its address; empty where it is not known.
    pub address: Vec<u8>,
}

/// What a mail server tells a filter. Texts are as they came, without their NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A client connected.
    Connect(Connect),
    /// HELO or EHLO with this name.
    Helo(Vec<u8>),
    /// MAIL: the address, in angle brackets as a rule, and its ESMTP parameters.
    Mail(Vec<Vec<u8>>),
    /// RCPT: the same of a recipient that the mail server has accepted.
    Rcpt(Vec<Vec<u8>>),
    /// DATA.
    Data,
    /// A header field. A folded value has LF as its line ends. With [`super::options::protocol::LEADING_BLANKS`] it
    /// begins with what stands behind the colon.
    Header {
        /// Its name.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// The end of the header.
    EndOfHeader,
    /// A piece of the body, CRLF as its line ends.
    Body(Vec<u8>),
    /// The end of the message. Changes are taken now, and only now.
    EndOfMessage,
    /// The message is over without an end; nothing is answered.
    Abort,
    /// The client is gone; another one follows on this connection.
    NextClient,
    /// The mail server is done with this connection.
    Quit,
    /// A command that the mail server does not know.
    Unknown(Vec<u8>),
}

impl Event {
    /// The stage it belongs to; `None` for what is not answered.
    pub fn stage(&self) -> Option<Stage> {
        Some(match self {
            Self::Connect(_) => Stage::Connect,
            Self::Helo(_) => Stage::Helo,
            Self::Mail(_) => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
            Self::Header { .. } => Stage::Header,
            Self::EndOfHeader => Stage::EndOfHeader,
            Self::Body(_) => Stage::Body,
            Self::EndOfMessage => Stage::EndOfMessage,
            Self::Unknown(_) => Stage::Unknown,
            Self::Abort | Self::NextClient | Self::Quit => return None,
        })
    }

    /// Reads a command; `None` for a letter that is none, or a malformed payload. The end of a message may bring the
    /// last piece of its body; that is for the caller to see to.
    pub(super) fn read(command: u8, payload: Vec<u8>) -> Option<Self> {
        Some(match command {
            b'C' => Self::Connect(connect(&payload)?),
            b'H' => Self::Helo(one(&payload)?),
            b'M' => Self::Mail(arguments(&payload)?),
            b'R' => Self::Rcpt(arguments(&payload)?),
            b'T' => Self::Data,
            b'L' => {
                let [name, value] = *packet::texts(&payload)? else { return None };
                Self::Header { name: name.to_vec(), value: value.to_vec() }
            }
            b'N' => Self::EndOfHeader,
            b'B' => Self::Body(payload),
            b'E' => Self::EndOfMessage,
            b'A' => Self::Abort,
            b'K' => Self::NextClient,
            b'Q' => Self::Quit,
            b'U' => Self::Unknown(one(&payload)?),
            _ => return None,
        })
    }
}

fn one(payload: &[u8]) -> Option<Vec<u8>> {
    match packet::texts(payload)?.as_slice() {
        [text] => Some(text.to_vec()),
        _ => None,
    }
}

fn arguments(payload: &[u8]) -> Option<Vec<Vec<u8>>> {
    let texts = packet::texts(payload)?;
    texts.first()?;
    Some(texts.iter().take(ARGUMENTS_MAX).map(|text| text.to_vec()).collect())
}

fn connect(payload: &[u8]) -> Option<Connect> {
    let end = memchr::memchr(0, payload)?;
    let (host, rest) = payload.split_at_checked(end)?;
    let (family, rest) = rest.get(1..)?.split_first()?;
    let family = match family {
        b'U' => Family::Unknown,
        b'L' => Family::Unix,
        b'4' => Family::Inet,
        b'6' => Family::Inet6,
        _ => return None,
    };
    let unknown = || Connect { host: host.to_vec(), family, port: 0, address: Vec::new() };
    if family == Family::Unknown {
        return Some(unknown());
    }
    let (port, address) = rest.split_first_chunk::<2>()?;
    Some(Connect { port: u16::from_be_bytes(*port), address: one(address)?, ..unknown() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_read_by_their_kind() {
        type Read = Option<(Family, u16, &'static [u8])>;
        let cases: [(&[u8], Read); 8] = [
            (b"mail.example.org\x004\x30\x39192.0.2.1\0", Some((Family::Inet, 12345, b"192.0.2.1"))),
            (b"mail.example.org\x006\0\x19IPv6:2001:db8::1\0", Some((Family::Inet6, 25, b"IPv6:2001:db8::1"))),
            (b"localhost\0L\0\0/run/x\0", Some((Family::Unix, 0, b"/run/x"))),
            (b"unknown\0U", Some((Family::Unknown, 0, b""))),
            (b"unknown\0U\0\0\0", Some((Family::Unknown, 0, b""))),
            (b"mail.example.org\x004\x30\x39192.0.2.1", None),
            (b"mail.example.org\0X\0\0a\0", None),
            (b"mail.example.org", None),
        ];
        for (payload, expected) in cases {
            let read = Event::read(b'C', payload.to_vec());
            let read = read.map(|event| match event {
                Event::Connect(c) => (c.family, c.port, c.address),
                other => panic!("{other:?}"),
            });
            assert_eq!(read, expected.map(|(f, p, a)| (f, p, a.to_vec())), "{payload:?}");
        }
    }

    #[test]
    fn arguments_and_fields_are_texts() {
        let mail = Event::read(b'M', b"<a@example.org>\0SIZE=100\0".to_vec());
        assert_eq!(mail, Some(Event::Mail(vec![b"<a@example.org>".to_vec(), b"SIZE=100".to_vec()])));
        let field = Event::read(b'L', b"Subject\0 a\n b\0".to_vec());
        assert_eq!(field, Some(Event::Header { name: b"Subject".to_vec(), value: b" a\n b".to_vec() }));
        for (command, bad) in [
            (b'M', &b""[..]),
            (b'R', b"<a>"),
            (b'L', b"Subject\0"),
            (b'L', b"a\0b\0c\0"),
            (b'H', b"a\0b\0"),
            (b'x', b""),
        ] {
            assert_eq!(Event::read(command, bad.to_vec()), None, "{command} {bad:?}");
        }
        let many = Event::read(b'R', b"a\0".repeat(1000));
        assert!(matches!(many, Some(Event::Rcpt(list)) if list.len() == ARGUMENTS_MAX));
    }
}
