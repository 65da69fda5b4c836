//! Who sends, as far as it is known: the peer itself, or what a trusted relay says of its client
//! (spec D-20), and our `Received` header.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mail::address::Address;
use mail::arrival::{MessageId, Peer};
use mail::untrusted::Untrusted;
use service::id::date;
use wire::smtp::xclient::XclientName;
use wire::smtp::xforward::{self, XforwardName};

/// What a relay says when it does not know.
const UNAVAILABLE: &str = "[UNAVAILABLE]";
/// The address of a client whose address nobody knows: no network of anybody's.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// How a message came, as `Received` says it (RFC 3848).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    pub(crate) lmtp: bool,
    pub(crate) tls: bool,
    pub(crate) authenticated: bool,
}

/// What is known of the client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The TCP peer.
    pub(crate) peer: SocketAddr,
    /// What a trusted relay said with XFORWARD, in order.
    pub(crate) forwarded: Vec<(XforwardName, String)>,
    /// HELO or EHLO of the peer.
    pub(crate) helo: Option<String>,
    /// EHLO was used.
    pub(crate) esmtp: bool,
    /// What a trusted relay said with XCLIENT.
    pub(crate) told: Told,
    /// The certificate that it has shown and we know.
    pub(crate) certificate: Option<String>,
    /// Under which name its certificate makes it one of our own clients.
    pub(crate) vouched: Option<String>,
}

/// Of a client that a trusted relay asks to be taken for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    name: Option<String>,
    helo: Option<String>,
    /// Whom it has logged in as.
    login: Option<String>,
}

impl Client {
    pub(crate) fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            forwarded: Vec::new(),
            helo: None,
            esmtp: false,
            told: Told::default(),
            certificate: None,
            vouched: None,
        }
    }

    /// Notes what a relay says; a later value replaces an earlier one.
    pub(crate) fn note(&mut self, attributes: Vec<(XforwardName, String)>) {
        for (name, value) in attributes {
            self.forwarded.retain(|(known, _)| *known != name);
            self.forwarded.push((name, value));
        }
    }

    /// The client that a trusted relay asks to be taken for (XCLIENT); `None` if its address or port is none.
    /// Without a word about the address it stays the one it is. One whose address the relay does not know is a stranger:
    /// it has no address ([`UNKNOWN`]), and nothing of the relay's holds for it.
    pub(crate) fn spoken_for(&self, attributes: &[(XclientName, String)]) -> Option<Self> {
        let of = |name| attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let known = |name| of(name).filter(|value| !value.starts_with('['));
        let mut client = Self::new(self.peer);
        match of(XclientName::Addr) {
            Some(text) if text.starts_with('[') => client.peer = SocketAddr::new(UNKNOWN, 0),
            Some(text) => client.peer = SocketAddr::new(address(text)?, 0),
            None => {}
        }
        if let Some(text) = known(XclientName::Port) {
            client.peer.set_port(text.parse().ok()?);
        }
        let text = |name| known(name).map(str::to_owned);
        client.told =
            Told { name: text(XclientName::Name), helo: text(XclientName::Helo), login: text(XclientName::Login) };
        Some(client)
    }

    fn said(&self, name: XforwardName) -> Option<&str> {
        let value = self.forwarded.iter().find(|(known, _)| *known == name)?.1.as_str();
        (!value.is_empty() && !value.starts_with('[')).then_some(value)
    }

    /// The client's address.
    pub(crate) fn ip(&self) -> IpAddr {
        let forwarded = self.said(XforwardName::Addr).and_then(address);
        forwarded.unwrap_or(self.peer.ip()).to_canonical()
    }

    /// The client's HELO.
    pub(crate) fn helo(&self) -> Option<&str> {
        self.said(XforwardName::Helo).or(self.told.helo.as_deref()).or(self.helo.as_deref())
    }

    /// Whom it has logged in as, as a relay says it or its certificate shows it. That of a relay is not its
    /// client's.
    pub(crate) fn login(&self) -> Option<&str> {
        let vouched = self.vouched.as_deref().filter(|_| self.forwarded.is_empty());
        self.told.login.as_deref().or(vouched)
    }

    /// Whether a relay said who the client is.
    pub(crate) fn is_told(&self) -> bool {
        self.said(XforwardName::Addr).is_some()
    }

    /// As the arrival has it.
    pub(crate) fn as_peer(
        &self,
        ip: IpAddr,
        tls: Option<String>,
        authenticated: bool,
        login: Option<&str>,
        trusted: bool,
    ) -> Peer {
        let untrusted = |text: &str| Untrusted::new(text.to_owned());
        Peer {
            ip: (ip != UNKNOWN).then_some(ip),
            name: self.said(XforwardName::Name).or(self.told.name.as_deref()).map(untrusted),
            helo: self.helo().map(untrusted),
            tls,
            authenticated,
            login: login.map(untrusted),
            trusted,
            from_received: false,
            certificate: self.certificate.as_deref().map(untrusted),
        }
    }

    /// What the next hop is told about the client: what a relay told us, or what we see ourselves.
    pub(crate) fn attributes(&self) -> Vec<(XforwardName, String)> {
        if !self.forwarded.is_empty() {
            return self.forwarded.clone();
        }
        let unknown = || UNAVAILABLE.to_owned();
        vec![
            (XforwardName::Name, self.told.name.clone().unwrap_or_else(unknown)),
            (XforwardName::Addr, Some(self.ip()).filter(|ip| *ip != UNKNOWN).map_or(unknown(), xforward::address)),
            (XforwardName::Port, self.peer.port().to_string()),
            (XforwardName::Proto, if self.esmtp { "ESMTP" } else { "SMTP" }.to_owned()),
            (XforwardName::Helo, self.helo().unwrap_or(UNAVAILABLE).to_owned()),
        ]
    }

    /// The client as a next hop is to take us for it (XCLIENT): what it does not know counts as unknown there, too.
    pub(crate) fn as_xclient(&self) -> Vec<(XclientName, String)> {
        let told = self.attributes();
        let of = |name| told.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let pairs = [
            (XclientName::Name, of(XforwardName::Name)),
            (XclientName::Addr, of(XforwardName::Addr)),
            (XclientName::Port, of(XforwardName::Port)),
            (XclientName::Proto, of(XforwardName::Proto).or_else(|| Some("ESMTP".to_owned()))),
            (XclientName::Helo, of(XforwardName::Helo)),
            (XclientName::Login, self.login().map(str::to_owned)),
        ];
        pairs.into_iter().map(|(name, value)| (name, value.unwrap_or_else(|| UNAVAILABLE.to_owned()))).collect()
    }

    /// The value of our `Received` header (RFC 5321 section 4.4, RFC 3848).
    pub(crate) fn received(&self, hostname: &str, id: MessageId, how: How, to: &[Address], now_ms: u64) -> String {
        let How { lmtp, tls, authenticated } = how;
        let name = if lmtp { "LMTP" } else { "ESMTP" };
        let protocol = match (self.esmtp, tls, authenticated) {
            (false, ..) => "SMTP".to_owned(),
            (true, ..) => format!("{name}{}{}", if tls { "S" } else { "" }, if authenticated { "A" } else { "" }),
        };
        let helo: String = self
            .helo
            .as_deref()
            .unwrap_or("unknown")
            .chars()
            .filter(|c| c.is_ascii_graphic() && !"();<>\\\"".contains(*c))
            .collect();
        let ip = match self.peer.ip().to_canonical() {
            UNKNOWN => "unknown".to_owned(),
            IpAddr::V4(ip) => format!("[{ip}]"),
            IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
        };
        let shown: String = self
            .certificate
            .iter()
            .flat_map(|name| name.chars())
            .filter(|c| c.is_ascii_alphanumeric() || ".-_*:".contains(*c))
            .collect();
        let shown = if shown.is_empty() { shown } else { format!(" (client certificate {shown})") };
        // One recipient only: more would tell each about the others.
        let to = match to {
            [one] if one.as_str().is_ascii() => format!(" for <{}>", one.as_str()),
            _ => String::new(),
        };
        format!("from {helo} ({ip}) by {hostname} (Mailward) with {protocol}{shown} id {id}{to}; {}", date(now_ms))
    }
}

/// An address as XFORWARD and XCLIENT carry it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.get(..5).filter(|p| p.eq_ignore_ascii_case("IPV6:")).map_or(text, |p| &text[p.len()..]);
    text.parse::<IpAddr>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let mut client = Client::new("192.0.2.1:1234".parse().unwrap());
        client.helo = Some("mail.example.com".to_owned());
        client.esmtp = true;
        client
    }

    #[test]
    fn a_certificate_stands_in_the_received_header_and_is_no_login_of_a_relays_client() {
        let mut client = client();
        client.certificate = Some("relay.example.org)\r\nX: y".to_owned());
        client.vouched = Some("relay.example.org".to_owned());
        let value = client.received("mx", MessageId::new(1, [0; 10]), How { tls: true, ..How::default() }, &[], 0);
        assert!(value.contains(" with ESMTPS (client certificate relay.example.orgX:y) id "), "{value}");
        assert_eq!(client.login(), Some("relay.example.org"));
        client.note(vec![(XforwardName::Addr, "203.0.113.9".to_owned())]);
        assert_eq!(client.login(), None);
    }

    #[test]
    fn a_relay_speaks_for_its_client() {
        let mut client = client();
        assert_eq!(client.ip().to_string(), "192.0.2.1");
        client.note(vec![
            (XforwardName::Addr, "IPV6:2001:db8::7".to_owned()),
            (XforwardName::Helo, "far.example.net".to_owned()),
        ]);
        assert_eq!((client.ip().to_string().as_str(), client.helo()), ("2001:db8::7", Some("far.example.net")));
        client.note(vec![(XforwardName::Addr, UNAVAILABLE.to_owned())]);
        assert_eq!(client.ip().to_string(), "192.0.2.1");
        client.note(vec![(XforwardName::Addr, "203.0.113.9".to_owned())]);
        assert_eq!((client.ip().to_string().as_str(), client.forwarded.len()), ("203.0.113.9", 2));
    }

    #[test]
    fn a_relay_asks_to_be_taken_for_its_client() {
        let said = |list: &[(XclientName, &str)]| {
            let list: Vec<_> = list.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            client().spoken_for(&list)
        };
        use XclientName::{Addr, Helo, Login, Name, Port};
        let told = said(&[(Addr, "IPv6:2001:db8::7"), (Port, "4711"), (Name, "a.example"), (Login, "bob")]).unwrap();
        assert_eq!(told.peer, "[2001:db8::7]:4711".parse().unwrap());
        assert_eq!((told.helo(), told.told.login.as_deref()), (None, Some("bob")));
        assert_eq!(told.attributes()[0], (XforwardName::Name, "a.example".to_owned()));
        let unknown = said(&[(Addr, UNAVAILABLE), (Login, UNAVAILABLE), (Helo, "far.example.net")]).unwrap();
        assert_eq!((unknown.peer, unknown.told.login.as_deref()), ("0.0.0.0:0".parse().unwrap(), None));
        assert_eq!((unknown.helo(), unknown.attributes()[1].1.as_str()), (Some("far.example.net"), UNAVAILABLE));
        assert_eq!(unknown.as_peer(unknown.ip(), None, false, None, false).ip, None);
        assert!(
            unknown.received("mx", MessageId::new(1, [0; 10]), How::default(), &[], 0).contains(" (unknown) by mx ")
        );
        assert_eq!(said(&[(Addr, "[TEMPUNAVAIL]")]).unwrap().ip(), unknown.ip());
        assert_eq!(said(&[(Login, "bob")]).unwrap().peer, client().peer, "nothing was said about it");
        for wrong in [(Addr, "far.example.net"), (Addr, "192.0.2.300"), (Port, "70000"), (Port, "-1")] {
            assert!(said(&[wrong]).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn the_received_header_tells_the_way() {
        let to = [Address::parse("user@example.org").unwrap()];
        let value = client().received(
            "mx.example.org",
            MessageId::new(1, [0; 10]),
            How { tls: true, ..How::default() },
            &to,
            1_700_000_000_000,
        );
        assert_eq!(
            value,
            format!(
                "from mail.example.com ([192.0.2.1]) by mx.example.org (Mailward) with ESMTPS id {} for <user@example.org>; Tue, 14 Nov 2023 22:13:20 +0000",
                MessageId::new(1, [0; 10])
            )
        );
        let both = [to[0].clone(), to[0].clone()];
        assert!(!client().received("mx", MessageId::new(1, [0; 10]), How::default(), &both, 0).contains("for <"));
    }

    #[test]
    fn a_helo_cannot_break_the_header() {
        let mut client = client();
        client.helo = Some("a);(b<c>\\\"\u{e9}".to_owned());
        assert!(client.received("mx", MessageId::new(1, [0; 10]), How::default(), &[], 0).starts_with("from abc ("));
    }
}
