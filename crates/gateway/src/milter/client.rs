//! Who sends, as a mail server tells it: the connection, and what its macros say beside (spec D-20).

use std::net::IpAddr;

use mail::address::Address;
use mail::arrival::Peer;
use mail::untrusted::Untrusted;
use wire::milter::{Connect, Family, macros::Macros};

/// The macros that are asked for, by stage (Sendmail and Postfix have some of them each).
pub(super) const WANTED: [(u32, &str); 5] = [
    (0, "j _ {daemon_name} {client_addr} {client_name} {client_port} {client_ptr} {if_addr}"),
    (1, "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}"),
    (2, "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}"),
    (3, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}"),
    (5, "i {auth_type} {auth_authen}"),
];
/// The name that a mail server's port for its own users has by custom (`milter_macro_daemon_name`).
const ORIGINATING: &str = "ORIGINATING";

/// What is known of the client of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    ip: Option<IpAddr>,
    name: Option<String>,
    pub(super) helo: Option<String>,
}

impl Client {
    /// From the mail server's word about a connection.
    pub(super) fn new(connect: &Connect) -> Self {
        let text = String::from_utf8_lossy(&connect.address).into_owned();
        let inet = matches!(connect.family, Family::Inet | Family::Inet6);
        let ip = inet.then(|| address(&text)).flatten();
        let name = String::from_utf8_lossy(&connect.host).into_owned();
        let known = !name.is_empty() && !name.starts_with('[') && !name.eq_ignore_ascii_case("unknown");
        Self { ip, name: known.then_some(name), helo: None }
    }

    /// The client's address; `None` for mail that did not come over a network.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// As the arrival has it.
    pub(super) fn as_peer(&self, ip: Option<IpAddr>, macros: &Macros, trusted: bool) -> Peer {
        let untrusted = |text: &str| Untrusted::new(text.to_owned());
        let login = macros.get("auth_authen");
        let cipher = macros.get("cipher").unwrap_or("unknown");
        Peer {
            ip,
            name: self.name.as_deref().map(untrusted),
            helo: self.helo.as_deref().map(untrusted),
            tls: macros.get("tls_version").map(|version| mail::untrusted::escape(&format!("{version} {cipher}"), 100)),
            authenticated: login.or(macros.get("auth_type")).is_some(),
            login: login.map(untrusted),
            trusted,
        }
    }
}

/// Whether the mail came in at a port for the mail server's own users.
pub(super) fn is_originating(macros: &Macros) -> bool {
    macros.get("daemon_name") == Some(ORIGINATING)
}

fn address(text: &str) -> Option<IpAddr> {
    let text = text.get(..5).filter(|p| p.eq_ignore_ascii_case("IPv6:")).map_or(text, |p| &text[p.len()..]);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// The address of MAIL or RCPT, `None` for the null sender. One without a domain is the mail server's own.
pub(super) fn path(argument: &[u8], host: Option<&str>) -> Option<Address> {
    let text = String::from_utf8_lossy(argument);
    let inside = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(&text);
    let address = Address::parse(inside)?;
    match host {
        Some(host) if address.domain().is_empty() => Address::parse(&format!("{inside}@{host}")).or(Some(address)),
        _ => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(host: &str, family: Family, address: &str) -> Client {
        Client::new(&Connect { host: host.into(), family, port: 25, address: address.into() })
    }

    #[test]
    fn a_client_has_the_address_that_its_kind_has() {
        let ip = |family, address| client("x", family, address).ip().map(|ip| ip.to_string());
        assert_eq!(ip(Family::Inet, "192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(ip(Family::Inet6, "IPv6:2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(ip(Family::Inet6, "::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(ip(Family::Unix, "192.0.2.1"), None);
        assert_eq!(ip(Family::Inet, "here"), None);
        assert_eq!(client("[192.0.2.1]", Family::Inet, "192.0.2.1").name, None);
        assert_eq!(client("mail.example.org", Family::Unknown, "").name.as_deref(), Some("mail.example.org"));
    }

    #[test]
    fn addresses_come_out_of_their_brackets() {
        let cases = [
            ("<a@example.org>", Some("a@example.org")),
            ("a@example.org", Some("a@example.org")),
            ("<root>", Some("root@mx.example.org")),
            ("<>", None),
            ("", None),
        ];
        for (argument, expected) in cases {
            let read = path(argument.as_bytes(), Some("mx.example.org"));
            assert_eq!(read.as_ref().map(Address::as_str), expected, "{argument}");
        }
        assert_eq!(path(b"<root>", None).as_ref().map(Address::as_str), Some("root"));
    }
}
