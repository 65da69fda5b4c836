//! Where next hops are: a host and a port, or a socket in the file system.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{HostPort, Reader, SocketAddress, Written, is_host};

/// Where a mail server listens.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum HopPlace {
    /// A socket in the file system of this machine.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(HostPort),
}

written!(HopPlace, "where a mail server listens", "mail.example.org:25");

impl HopPlace {
    /// The host's name or address; empty for a socket in the file system.
    pub fn host(&self) -> &str {
        self.tcp().map_or("", |tcp| tcp.host.as_str())
    }

    /// The port; 0 for a socket in the file system.
    pub fn port(&self) -> u16 {
        self.tcp().map_or(0, |tcp| tcp.port)
    }

    /// The host and port; `None` for a socket in the file system.
    pub fn tcp(&self) -> Option<&HostPort> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp(tcp) => Some(tcp),
        }
    }

    /// Whether it is this machine for certain.
    pub fn is_local(&self) -> bool {
        self.tcp().is_none_or(|tcp| tcp.ip().map_or(tcp.host.eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback()))
    }
}

impl From<HostPort> for HopPlace {
    fn from(tcp: HostPort) -> Self {
        Self::Tcp(tcp)
    }
}

impl Written for HopPlace {
    fn read(text: &str) -> Result<Self, String> {
        if !text.starts_with("unix:") {
            return HostPort::read(text).map(Self::Tcp);
        }
        match SocketAddress::read(text) {
            Ok(SocketAddress::Unix(path)) => Ok(Self::Unix(path)),
            _ => Err(format!("\"{text}\" is not a mail server; write it like \"unix:/run/dovecot/lmtp\"")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix:{}", path.display()),
            Self::Tcp(tcp) => tcp.show(),
        }
    }
}

/// A mail server of a route: where it is, when it is tried, and how much of the mail it gets.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HopAddress {
    /// Where it listens; with `mx` the host is a domain, or empty for the recipient's.
    pub address: HopPlace,
    /// Whoever takes the mail of a domain, as the DNS says it.
    pub mx: bool,
    /// The lowest is tried first.
    pub priority: u16,
    /// Its share among those of the same priority; at least 1.
    pub weight: u16,
}

/// The priority of a mail server that does not say one.
const PRIORITY: u16 = 10;

written!(HopAddress, "a mail server of a route", "mail.example.org:25 priority=10 weight=1");

impl From<HopPlace> for HopAddress {
    fn from(address: HopPlace) -> Self {
        Self { address, mx: false, priority: PRIORITY, weight: 1 }
    }
}

impl Written for HopAddress {
    fn read(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        let mut hop = match mx(first) {
            Some(address) => Self { mx: true, ..Self::from(HopPlace::Tcp(address)) },
            None => Self::from(HopPlace::read(first)?),
        };
        for word in words {
            let number = |value: &str| value.parse::<u16>().ok();
            match word.split_once('=') {
                Some(("priority", value)) if number(value).is_some() => {
                    hop.priority = number(value).unwrap_or(PRIORITY)
                }
                Some(("weight", value)) if number(value).is_some_and(|n| n > 0) => {
                    hop.weight = number(value).unwrap_or(1)
                }
                _ => {
                    return Err(format!(
                        "\"{word}\" is not understood; write \"mail.example.org:25 priority=10 weight=1\", with a weight from 1"
                    ));
                }
            }
        }
        Ok(hop)
    }

    fn show(&self) -> String {
        let mut text = match (self.mx, self.address.host(), self.address.port()) {
            (false, ..) => self.address.show(),
            (true, "", MX_PORT) => "mx".to_owned(),
            (true, domain, MX_PORT) => format!("mx:{domain}"),
            (true, domain, port) => format!("mx:{domain}:{port}"),
        };
        if self.priority != PRIORITY {
            text.push_str(&format!(" priority={}", self.priority));
        }
        if self.weight != 1 {
            text.push_str(&format!(" weight={}", self.weight));
        }
        text
    }
}

/// The port of mail servers that the DNS names.
const MX_PORT: u16 = 25;

/// `mx`, `mx:DOMAIN`, `mx::PORT`, `mx:DOMAIN:PORT`; not `mx:25`, which is a host of this name.
fn mx(text: &str) -> Option<HostPort> {
    let Some(rest) = text.strip_prefix("mx:") else {
        return (text == "mx").then(|| HostPort { host: String::new(), port: MX_PORT });
    };
    if rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (domain, port) = match rest.rsplit_once(':') {
        Some((domain, port)) => (domain, port.parse().ok().filter(|port| *port != 0)?),
        None => (rest, MX_PORT),
    };
    let plain = domain.is_empty() || is_host(domain) && !domain.ends_with('.');
    plain.then(|| HostPort { host: domain.to_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_a_route_read_and_show() {
        let cases = [
            ("mail.example.org:25", 10, 1),
            ("[2001:db8::1]:25 priority=5", 5, 1),
            ("192.0.2.1:25 priority=20 weight=3", 20, 3),
            ("unix:/run/dovecot/lmtp", 10, 1),
            ("unix:/run/dovecot/lmtp priority=3", 3, 1),
        ];
        for (text, priority, weight) in cases {
            let read = HopAddress::read(text).expect(text);
            assert_eq!((read.priority, read.weight), (priority, weight), "{text}");
            assert_eq!(read.to_string(), text);
        }
        for text in [
            "",
            "mail",
            "unix:lmtp",
            "unix:",
            "mail:25 5",
            "mail:25 weight=0",
            "mail:25 weight=x",
            "mail:25 prio=3",
            "mail:25 weight=65536",
        ] {
            assert!(HopAddress::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_says_whether_it_is_this_machine() {
        let local = |text: &str| HopPlace::read(text).expect(text).is_local();
        for text in ["unix:/run/dovecot/lmtp", "127.0.0.1:25", "[::1]:25", "localhost:24"] {
            assert!(local(text), "{text}");
        }
        assert!(!local("192.0.2.1:25") && !local("localhost.example.org:25"));
    }
}
