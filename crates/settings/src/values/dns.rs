//! The address of a DNS server.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Reader, Written};

/// The port of DNS servers (RFC 1035 section 4.2).
const PORT: u16 = 53;

/// A DNS server: an IP address, and a port if it is not 53.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DnsServer(pub SocketAddr);

written!(DnsServer, "a DNS server", "127.0.0.1");

impl Written for DnsServer {
    fn read(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self(SocketAddr::new(ip, PORT)));
        }
        text.parse().map(Self).map_err(|_| {
            format!(
                "\"{text}\" is not the address of a DNS server; write it like \"127.0.0.1\" or \"[2001:db8::53]:5353\""
            )
        })
    }

    fn show(&self) -> String {
        if self.0.port() == PORT { self.0.ip().to_string() } else { self.0.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_server_has_a_port_of_its_own_or_53() {
        let cases = [
            ("127.0.0.1", "127.0.0.1:53", "127.0.0.1"),
            ("192.0.2.1:5353", "192.0.2.1:5353", "192.0.2.1:5353"),
            ("2001:db8::53", "[2001:db8::53]:53", "2001:db8::53"),
            ("[2001:db8::53]", "[2001:db8::53]:53", "2001:db8::53"),
            ("[::1]:54", "[::1]:54", "[::1]:54"),
        ];
        for (text, address, shown) in cases {
            let server = DnsServer::read(text).unwrap();
            assert_eq!((server.0, server.show().as_str()), (address.parse().unwrap(), shown), "{text}");
        }
        for wrong in ["", "dns.example.org", "192.0.2.1:", "192.0.2"] {
            assert!(DnsServer::read(wrong).is_err(), "{wrong}");
        }
    }
}
