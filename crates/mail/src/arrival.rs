//! How a message came: the envelope and everything known about who brought it (spec D-20).
//!
//! Values only. Addresses are normalised once, here; the bytes that a peer wrote are kept
//! beside them, because a gateway passes them on unmodified.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::untrusted::Untrusted;

/// The name of one message in headers, log, Backup and API: 128 bits, shown as 26 characters of
/// Crockford's base 32. The first 48 bits are milliseconds since 1970, so that names sort by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageId([u8; 16]);

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl MessageId {
    /// Made from a time in milliseconds since 1970 and 80 random bits.
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0u8; 16];
        let time = unix_ms.to_be_bytes();
        for (to, from) in bytes.iter_mut().zip(time.iter().skip(2).chain(&random)) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The 16 bytes of it.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the 26 characters back; `None` for anything else. Lower case is accepted.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 26 {
            return None;
        }
        let mut value: u128 = 0;
        for (at, c) in text.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|a| *a == c.to_ascii_uppercase())?;
            if at == 0 && digit > 7 {
                return None;
            }
            value = (value << 5) | digit as u128;
        }
        Some(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.0);
        for at in (0..26).rev() {
            let digit = ((value >> (at * 5)) & 31) as usize;
            let c = ALPHABET.get(digit).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(c))?;
        }
        Ok(())
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a message crosses Mailward. Each surface can do some things and not others
/// (`judge::can`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The SMTP gateway, before the next hop has answered.
    Smtp,
    /// The command line: `scan` and `explain`.
    Cli,
    /// A filter that a mail server asks before it takes a message.
    Milter,
    /// The gateway by LMTP: one reply a recipient.
    Lmtp,
    // What comes next goes here: kept entries hold the number.
}

impl Surface {
    /// The word for it in logs, metrics and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Milter => "milter",
            Self::Lmtp => "lmtp",
            Self::Cli => "cli",
        }
    }
}

/// Which way a message goes, as spec D-20 decides it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From outside to us.
    Incoming,
    /// From one of our own clients to somebody outside.
    Outgoing,
    /// All addresses are ours.
    Internal,
}

impl Direction {
    /// The word for it in logs, metrics and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Internal => "internal",
        }
    }
}

/// Who brought the message; by default somebody of whom nothing is known and who is trusted with nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Peer {
    /// The client's address: the TCP peer, or what XFORWARD said from a trusted relay, or what a mail
    /// server told its filter.
    pub ip: Option<IpAddr>,
    /// The client's host name as a trusted relay, or a mail server, told it.
    pub name: Option<Untrusted<String>>,
    /// What it said in HELO or EHLO.
    pub helo: Option<Untrusted<String>>,
    /// The TLS version and cipher of the session, if it was encrypted.
    pub tls: Option<String>,
    /// Whether the session authenticated with the next hop.
    pub authenticated: bool,
    /// The login name, where it is known.
    pub login: Option<Untrusted<String>>,
    /// Whether the address lies in `trusted_networks`.
    pub trusted: bool,
    /// Whether nobody but a `Received` field of the message names the address. Where the relay in front writes none,
    /// its sender wrote that, so it earns no trust.
    #[serde(default)]
    pub from_received: bool,
    /// What the certificate is called that the client has shown, if it is one that we know.
    pub certificate: Option<Untrusted<String>>,
}

/// The SMTP envelope.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Envelope {
    /// The reverse-path; `None` is the null sender `<>`.
    pub mail_from: Option<Address>,
    /// The accepted recipients, in the order they came.
    pub rcpt_to: Vec<Address>,
    /// Nobody told the reverse-path, so that `None` is no null sender: only on the command line.
    pub unknown: bool,
}

/// A message's arrival.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arrival {
    /// Our name for the message.
    pub id: MessageId,
    /// Where it crosses us.
    pub surface: Surface,
    /// Which way it goes.
    pub direction: Direction,
    /// Who brought it.
    pub peer: Peer,
    /// Its envelope.
    pub envelope: Envelope,
    /// When its first byte came, in milliseconds since 1970; 0 where nobody knows (the command line).
    pub received_ms: u64,
    /// Its size in bytes, dot-stuffing undone.
    pub size: u64,
    /// Number of the connection since start, for file names and the log (spec ACT-23).
    pub connection: u64,
}

impl Arrival {
    /// "Over a trusted connection" (spec TC-02, D-20): authenticated, or from a trusted network.
    pub fn over_trusted_connection(&self) -> bool {
        self.peer.authenticated || self.peer.trusted
    }
}

#[cfg(test)]
mod tests {
    use super::MessageId;

    #[test]
    fn ids_read_back_and_sort_by_time() {
        let early = MessageId::new(1_700_000_000_000, [255; 10]);
        let late = MessageId::new(1_700_000_000_001, [0; 10]);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        assert_eq!(MessageId::parse(&early.to_string()), Some(early));
        assert_eq!(MessageId::parse(&late.to_string().to_lowercase()), Some(late));
        assert_eq!(early.to_string().len(), 26);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for bad in ["", "0", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "../../../../../../etc/passwd", "0123456789ABCDEFGHIJKMNPQR"]
        {
            assert_eq!(MessageId::parse(bad), None, "{bad}");
        }
    }
}
