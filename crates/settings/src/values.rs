//! Values as they are written in the node configuration: addresses, networks, optional paths.
//!
//! Each has one text form that reads back to the same value, and an error that shows the right
//! form. An empty text stands for "not set" where a setting is optional.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use mail::address::canonical;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest host name (RFC 1035 section 2.3.4).
pub const MAX_HOST: usize = 253;

/// A value with one text form.
pub(crate) trait Written: Sized {
    /// Reads the text form; the error says what is wrong and how to write it.
    fn read(text: &str) -> Result<Self, String>;
    /// The text form.
    fn show(&self) -> String;
}

/// Reads a text inside the deserializer, so that an error knows the place of its value, in a list
/// as well.
struct Reader<T>(PhantomData<T>);

impl<T: Written> de::Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::read(text.trim()).map_err(E::custom)
    }
}

/// An optional value: the empty text is `None`. For `#[serde(with = "…")]`.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Serializer, Written, de};

    pub(crate) fn serialize<T: Written, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.as_ref().map(Written::show).unwrap_or_default())
    }

    pub(crate) fn deserialize<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        T::read(text.trim()).map(Some).map_err(de::Error::custom)
    }
}

/// Gives a [`Written`] type its `Display`, serde and JSON schema.
macro_rules! written {
    ($type:ident, $what:literal, $example:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.show())
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::read(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.show())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Reader(PhantomData))
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": [$example], "format": $what })
            }

            fn inline_schema() -> bool {
                true
            }
        }
    };
}

// Behind the macro, which they use.
mod dns;
mod fingerprint;
mod hop;
mod socket;

pub use dns::DnsServer;
pub use fingerprint::Fingerprint;
pub use hop::{HopAddress, HopPlace};
pub use socket::{FileMode, SocketAddress};

/// An address to listen on: an IP address and a port; port 0 takes a free one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listen(pub SocketAddr);

written!(Listen, "an address to listen on", "127.0.0.1:10024");

impl Written for Listen {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!("\"{text}\" is not an address to listen on; write it like \"127.0.0.1:10024\" or \"[::1]:10024\"")
        })
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// A peer to connect to: a host name or IP address, and a port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HostPort {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// Port, 1 to 65535.
    pub port: u16,
}

written!(HostPort, "a host and a port", "mail.example.org:25");

impl HostPort {
    /// The host as an IP address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl Written for HostPort {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is not a host and a port; write it like \"mail.example.org:25\" or \"[2001:db8::1]:25\""
            )
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = match bracketed {
            Some(inside) => inside.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?.to_string(),
            None if is_host(host) => host.to_owned(),
            None => return Err(wrong()),
        };
        Ok(Self { host, port })
    }

    fn show(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }
}

/// A domain, or all domains below one; in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct DomainMask {
    domain: String,
    below: bool,
}

written!(DomainMask, "a domain", "*.example.org");

impl DomainMask {
    /// How exactly it fits a domain in its canonical form: the greater, the more; `None` if it does not.
    pub fn fits(&self, domain: &str) -> Option<usize> {
        match self.below {
            false => (domain == self.domain).then_some(usize::MAX),
            true => {
                let rest = domain.strip_suffix(self.domain.as_str())?;
                (rest.len() > 1 && rest.ends_with('.')).then_some(self.domain.len())
            }
        }
    }
}

impl Written for DomainMask {
    fn read(text: &str) -> Result<Self, String> {
        let lower = text.to_lowercase();
        let (domain, below) = lower.strip_prefix("*.").map_or((lower.as_str(), false), |rest| (rest, true));
        // International domains are written as they are in addresses.
        let label =
            |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        let domain = domain.trim_end_matches('.');
        if domain.len() > MAX_HOST || !domain.split('.').all(label) {
            return Err(format!(
                "\"{text}\" is not a domain; write it like \"example.org\", or \"*.example.org\" for all below it"
            ));
        }
        Ok(Self { domain: canonical(domain).into_owned(), below })
    }

    fn show(&self) -> String {
        format!("{}{}", if self.below { "*." } else { "" }, self.domain)
    }
}

/// Whether a text can be a host name or an IPv4 address; underscores are in use and accepted.
pub(crate) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= MAX_HOST && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

/// Where clamd listens.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ClamdAddress {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(HostPort),
}

written!(ClamdAddress, "the address of a clamd", "unix:/run/clamav/clamd.ctl");

impl Written for ClamdAddress {
    fn read(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.starts_with('/') {
                return Ok(Self::Unix(PathBuf::from(path)));
            }
        } else if let Ok(address) = HostPort::read(text) {
            return Ok(Self::Tcp(address));
        }
        Err(format!(
            "\"{text}\" is not the address of a clamd; write it like \"unix:/run/clamav/clamd.ctl\" or \"127.0.0.1:3310\""
        ))
    }

    fn show(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix:{}", path.display()),
            Self::Tcp(address) => address.show(),
        }
    }
}

/// A network of addresses; a single address is a network of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Network(pub IpNet);

written!(Network, "a network", "192.0.2.0/24");

impl Network {
    /// Whether the address lies in the network. An IPv4 address that comes in IPv6 form
    /// (`::ffff:192.0.2.1`) is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl Written for Network {
    fn read(text: &str) -> Result<Self, String> {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        network.map(|network| Self(network.trunc())).ok_or_else(|| {
            format!("\"{text}\" is not a network; write it like \"192.0.2.0/24\", \"2001:db8::/32\" or \"192.0.2.1\"")
        })
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl Written for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        match text.contains('\0') {
            true => Err("a path cannot hold a NUL".to_owned()),
            false => Ok(Self::from(text)),
        }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_read_and_show() {
        let cases = [
            ("mail.example.org:25", "mail.example.org", 25),
            ("192.0.2.1:2525", "192.0.2.1", 2525),
            ("[2001:db8::1]:25", "2001:db8::1", 25),
            ("my_host:1", "my_host", 1),
        ];
        for (text, host, port) in cases {
            let read = HostPort::read(text).expect(text);
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
            assert_eq!(read.to_string(), text);
        }
        let bad =
            ["", "mail", ":25", "mail:", "mail:0", "mail:65536", "2001:db8::1:25", "[mail]:25", "[::1]", "a b:25"];
        for text in bad {
            assert!(HostPort::read(text).is_err(), "{text}");
        }
        assert!(HostPort::read(&format!("{}:25", "a.".repeat(200))).is_err(), "too long");
    }

    #[test]
    fn a_mask_fits_its_domain_or_what_is_below_and_nothing_else() {
        let one = DomainMask::read("Example.ORG.").unwrap();
        let below = DomainMask::read("*.example.org").unwrap();
        assert_eq!((one.to_string().as_str(), below.to_string().as_str()), ("example.org", "*.example.org"));
        let cases = [
            ("example.org", true, false),
            ("mail.example.org", false, true),
            ("a.b.example.org", false, true),
            ("badexample.org", false, false),
            (".example.org", false, false),
            ("", false, false),
        ];
        for (domain, exact, under) in cases {
            assert_eq!((one.fits(domain).is_some(), below.fits(domain).is_some()), (exact, under), "{domain}");
        }
        assert!(DomainMask::read("*.a.example.org").unwrap().fits("x.a.example.org") > below.fits("x.a.example.org"));
        for text in ["", "*", "*.", "a..b", "a b", "@example.org", "*example.org"] {
            assert!(DomainMask::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn clamd_addresses_read_and_show() {
        for text in ["unix:/run/clamav/clamd.ctl", "127.0.0.1:3310", "clamd.example.org:3310"] {
            assert_eq!(ClamdAddress::read(text).expect(text).to_string(), text);
        }
        for text in ["unix:clamd.ctl", "/run/clamav/clamd.ctl", "127.0.0.1", "unix:"] {
            let error = ClamdAddress::read(text).expect_err(text);
            assert!(error.contains("unix:/run/clamav/clamd.ctl"), "{error}");
        }
    }

    #[test]
    fn a_network_holds_mapped_addresses_and_single_ones() {
        let network = Network::read("192.0.2.7/24").unwrap();
        assert_eq!(network.to_string(), "192.0.2.0/24");
        assert!(network.contains("::ffff:192.0.2.200".parse().unwrap()));
        assert!(!network.contains("192.0.3.1".parse().unwrap()));
        assert!(!network.contains("2001:db8::1".parse().unwrap()));
        let one = Network::read("192.0.2.1").unwrap();
        assert!(one.contains("192.0.2.1".parse().unwrap()) && !one.contains("192.0.2.2".parse().unwrap()));
        assert!(Network::read("192.0.2.0/33").is_err() && Network::read("example.org").is_err());
    }
}
