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
/// Most bytes of the parameters of one MAIL or RCPT that are kept; more would not fit into a command.
const PARAMETERS_MAX: usize = 900;
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
            from_received: false,
            certificate: None,
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

/// What stands in MAIL or RCPT.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Path {
    /// The null sender.
    Null,
    /// An address. One without a domain is the mail server's own.
    Of(Address),
    /// Something that is no address.
    Bad,
}

/// Reads the first argument of MAIL or RCPT; `host` is the mail server's own domain.
pub(super) fn path(arguments: &[Vec<u8>], host: Option<&str>) -> Path {
    let text = String::from_utf8_lossy(arguments.first().map(Vec::as_slice).unwrap_or_default());
    let inside = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(&text);
    if inside.is_empty() {
        return Path::Null;
    }
    let Some(address) = Address::parse(inside) else { return Path::Bad };
    let whole =
        host.filter(|_| address.domain().is_empty()).and_then(|host| Address::parse(&format!("{inside}@{host}")));
    Path::Of(whole.unwrap_or(address))
}

/// What followed the path in MAIL or RCPT, as an SMTP client writes it: each with a blank in front. The size may be
/// another one when it matters.
pub(super) fn parameters(arguments: &[Vec<u8>]) -> String {
    let plain = |word: &&str| !word.is_empty() && !word.chars().any(|c| c.is_control() || c.is_whitespace());
    let kept = |word: &&str| !word.to_ascii_uppercase().starts_with("SIZE=");
    let words = arguments.iter().skip(1).filter_map(|word| std::str::from_utf8(word).ok());
    let mut all = String::new();
    for word in words.filter(plain).filter(kept) {
        if all.len().saturating_add(word.len()) >= PARAMETERS_MAX {
            break;
        }
        all.push(' ');
        all.push_str(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_as_a_client_writes_them() {
        let of = |words: &[&str]| parameters(&words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(of(&["<a@example.org>"]), "");
        assert_eq!(of(&["<a@example.org>", "SIZE=12", "RET=HDRS", "", "envid=x+20y"]), " RET=HDRS envid=x+20y");
        assert_eq!(of(&["<a@example.org>", "A=b c", "A=\r\nDATA", "NOTIFY=NEVER"]), " NOTIFY=NEVER");
        assert_eq!(of(&["<a@example.org>", &"x".repeat(PARAMETERS_MAX)]), "");
    }

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
        let of = |text: &str| Path::Of(Address::parse(text).unwrap());
        let long = format!("<{}@example.org>", "a".repeat(2_000));
        let cases = [
            ("<a@example.org>", of("a@example.org")),
            ("a@example.org", of("a@example.org")),
            ("<root>", of("root@mx.example.org")),
            ("<>", Path::Null),
            ("", Path::Null),
            ("<a\u{7}@example.org>", Path::Bad),
            (long.as_str(), Path::Bad),
        ];
        for (argument, expected) in cases {
            assert_eq!(path(&[argument.into()], Some("mx.example.org")), expected, "{argument}");
        }
        assert_eq!(path(&[b"<root>".to_vec()], None), of("root"));
    }
}
