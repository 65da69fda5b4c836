//! The SMTP gateway's part of the configuration: listeners and the next hop.

use std::path::PathBuf;

use judge::units::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret_file;
use crate::values::{DomainMask, FileMode, Fingerprint, HopPlace, Network, SocketAddress, optional};

/// Which way the mail of a listener goes (D-20).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListenerDirection {
    /// All mail comes from outside.
    Incoming,
    /// All mail comes from our own clients.
    Outgoing,
    /// By trust and recipients: outgoing from an authenticated or trusted client to somebody
    /// external, internal when all addresses are internal, else incoming.
    #[default]
    Auto,
}

impl From<ListenerDirection> for judge::site::ListenerDirection {
    fn from(direction: ListenerDirection) -> Self {
        match direction {
            ListenerDirection::Incoming => Self::Incoming,
            ListenerDirection::Outgoing => Self::Outgoing,
            ListenerDirection::Auto => Self::Auto,
        }
    }
}

/// When a `Received` header is added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddReceived {
    /// Unless the session used XFORWARD: then the mail server around us adds its own.
    #[default]
    Auto,
    /// To every message.
    Always,
    /// Never.
    Never,
}

/// When the next hop's AUTH is offered to clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferAuth {
    /// Over TLS, and to clients on this machine.
    #[default]
    Tls,
    /// To everybody: passwords may cross the network in clear.
    Always,
    /// To nobody.
    Never,
}

/// What is done about bare CR, bare LF and NUL in a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineEnds {
    /// The message is refused (RFC 5321 section 2.3.8).
    #[default]
    Reject,
    /// Bare CR and LF become CRLF, NUL is dropped; none of them ever ends a message.
    Normalise,
}

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// SMTP (RFC 5321).
    #[default]
    Smtp,
    /// LMTP (RFC 2033): delivery to mailboxes, with a reply for each recipient. Not on port 25.
    Lmtp,
}

/// Whether clients are asked for a certificate of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificate {
    /// They are not.
    #[default]
    None,
    /// They are, and may come without.
    Ask,
    /// They are, and no mail is taken from who does not show one that we know.
    Require,
}

/// What a client is that shows a certificate we know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientTrust {
    /// A client like any other.
    #[default]
    None,
    /// One of our own, as if it had logged in under the certificate's name.
    Client,
    /// A relay that may say for whom it speaks (XFORWARD, XCLIENT), as in `trust.trusted_relays`.
    Relay,
}

/// What a next hop is told of the client whose mail it gets, if it wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientInfo {
    /// Nothing.
    None,
    /// The client's name and address, for its log and its filters (XFORWARD), where it offers that.
    #[default]
    Xforward,
    /// It is to take us for the client (XCLIENT), where it offers that, so that its own rules about clients
    /// count; else as with `xforward`.
    Xclient,
}

/// One SMTP or LMTP listener.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// Where to listen: `127.0.0.1:10024`, or `unix:/run/mailward/lmtp.sock`. Who comes through a unix socket
    /// counts as 127.0.0.1.
    pub listen: SocketAddress,
    /// Who may connect to a unix socket, in octal.
    pub socket_mode: FileMode,
    /// The user that owns a unix socket, a name or a number. Empty: who runs Mailward.
    pub socket_user: String,
    /// The group that owns a unix socket, a name or a number: with the mode 660 whoever is in it may
    /// connect. Empty: as it comes.
    pub socket_group: String,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Load balancers that put a PROXY header (version 1 or 2) in front of each connection: networks. Theirs must
    /// begin with one, and the address in it is the client's; nobody else's is believed.
    pub proxy_from: Vec<Network>,
    /// Which way the mail goes (D-20).
    pub direction: ListenerDirection,
    /// When a `Received` header is added (D-13).
    pub add_received: AddReceived,
    /// When the next hop's AUTH is offered to clients.
    pub auth: OfferAuth,
    /// The certificate chain, a PEM file. STARTTLS is offered when it is set. New files are used without
    /// a reload; files that are of no use change nothing.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key, a PEM file, or `credential:NAME` for a credential of the service
    /// manager.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub key: Option<PathBuf>,
    /// TLS from the first byte, as on port 465 (RFC 8314), instead of STARTTLS. Needs a certificate.
    pub implicit_tls: bool,
    /// Show the certificate that `[acme]` fetches. STARTTLS is offered as soon as there is one.
    pub acme: bool,
    /// Refuse mail outside TLS. Needs a certificate.
    pub tls_required: bool,
    /// Whether clients are asked for a certificate of theirs. `require` takes no mail outside TLS either.
    pub client_certificate: ClientCertificate,
    /// Whose certificates of clients are known: the issuers, a PEM file. Empty: only those in
    /// `client_fingerprints`.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub client_ca_file: Option<PathBuf>,
    /// Of the certificates by these issuers only those for one of these names are known: `mail.example.org`
    /// or `*.example.org`. Empty: all.
    pub client_names: Vec<DomainMask>,
    /// Certificates of clients that are known whoever issued them, whatever they say: their SHA-256
    /// fingerprints.
    pub client_fingerprints: Vec<Fingerprint>,
    /// What a client is that shows a certificate we know.
    pub client_trust: ClientTrust,
    /// Most connections of this listener at once.
    pub max_connections: u32,
    /// What is done about bare CR, bare LF and NUL in a message.
    pub line_ends: LineEnds,
    /// Offer CHUNKING (BDAT, RFC 3030), and BINARYMIME where the next hop takes that. A message that comes in
    /// chunks is put together, and goes on after DATA.
    pub chunking: bool,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            listen: SocketAddress::Inet(([127, 0, 0, 1], 10024).into()),
            socket_mode: FileMode(0o660),
            socket_user: String::new(),
            socket_group: String::new(),
            protocol: Protocol::default(),
            proxy_from: Vec::new(),
            direction: ListenerDirection::default(),
            add_received: AddReceived::default(),
            auth: OfferAuth::default(),
            certificate: None,
            key: None,
            acme: false,
            implicit_tls: false,
            tls_required: false,
            client_certificate: ClientCertificate::default(),
            client_ca_file: None,
            client_names: Vec::new(),
            client_fingerprints: Vec::new(),
            client_trust: ClientTrust::default(),
            max_connections: 200,
            line_ends: LineEnds::default(),
            chunking: true,
        }
    }
}

impl Listener {
    /// Whether it is to offer TLS.
    pub fn has_tls(&self) -> bool {
        self.certificate.is_some() || self.acme
    }

    /// Certificate and key, if both are set.
    pub fn tls_files(&self) -> Option<(PathBuf, PathBuf)> {
        self.certificate.clone().zip(self.key.as_deref().map(secret_file))
    }
}

/// Whether the connection to the next hop is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HopTls {
    /// Never.
    None,
    /// When the next hop offers STARTTLS. If TLS then fails, mail goes out in clear, and the log says so;
    /// with `verify` it does not go out.
    #[default]
    Opportunistic,
    /// Always: without TLS no mail goes out.
    Required,
    /// Always, and the next hop's certificate must be valid for its name: `required` with `verify`.
    Verify,
    /// As the server's zone says it (DANE, RFC 7672), which must be signed: with TLSA records always and with
    /// the certificate that they are about, else like `opportunistic`. Needs `dns.trust_ad`.
    Dane,
    /// The same, but without TLSA records no mail goes out.
    DaneOnly,
    /// As the recipients' domain says it in its policy (MTA-STS, RFC 8461), else like `opportunistic`. For
    /// routes with `mx` among their `hops`.
    MtaSts,
}

impl HopTls {
    /// The word for it in the configuration and the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Opportunistic => "opportunistic",
            Self::Required => "required",
            Self::Verify => "verify",
            Self::Dane => "dane",
            Self::DaneOnly => "dane_only",
            Self::MtaSts => "mta_sts",
        }
    }

    /// Whether it depends on what the DNS says.
    pub fn is_looked_up(self) -> bool {
        matches!(self, Self::Dane | Self::DaneOnly | Self::MtaSts)
    }

    /// Whether certificates are checked; `verify` is the setting beside it.
    pub fn checks(self, verify: bool) -> bool {
        verify || self == Self::Verify
    }
}

/// The next hop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NextHop {
    /// The mail server that mail goes to: `host:port`, an IPv6 address in brackets, or
    /// `unix:/run/dovecot/lmtp`. `mailward serve` needs it.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub address: Option<HopPlace>,
    /// What is spoken with it.
    pub protocol: Protocol,
    /// Whether the connection is encrypted.
    pub tls: HopTls,
    /// Check the next hop's certificate: its name, its time, and who issued it. Recommended with
    /// `tls = "required"`; without it somebody on the way can read along unseen.
    pub verify: bool,
    /// The certificates of the issuers to trust, a PEM file. Empty: the system's.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub ca_file: Option<PathBuf>,
    /// Our certificate for next hops that ask for one, a PEM file. It is used anew when the file changes.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key, a PEM file, or `credential:NAME`.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub key: Option<PathBuf>,
    /// What the next hop is told of clients.
    pub client_info: ClientInfo,
    /// How long to wait for a connection; twice as long until the server is ready for mail.
    pub connect_timeout: Time,
}

impl Default for NextHop {
    fn default() -> Self {
        Self {
            address: None,
            protocol: Protocol::default(),
            tls: HopTls::default(),
            verify: false,
            ca_file: None,
            certificate: None,
            key: None,
            client_info: ClientInfo::default(),
            connect_timeout: Time(30_000),
        }
    }
}
