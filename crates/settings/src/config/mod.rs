//! The configuration of one node: what `mailward.toml` can say, one documented field a setting.
//!
//! What an administrator decides about mail is the policy (`judge::policy`); what belongs to this
//! machine stands here: listeners, next hop, trust, limits, workers, engines.

mod dkim;
mod dns;
mod engines;
mod milter;
mod routes;
mod smtp;
mod tls;

pub use dkim::{Dkim, SealWhen, Signing, SigningFailure};
pub use dns::Dns;
pub use engines::{Clamd, ClamdMethod, Engines, Http, Log, LogFormat, LogLevel};
pub use milter::{MilterHold, MilterListener};
pub use routes::{Outbox, Route, RouteDirection};
pub use smtp::{
    AddReceived, ClientCertificate, ClientInfo, ClientTrust, HopTls, LineEnds, Listener, ListenerDirection, NextHop,
    OfferAuth, Protocol,
};
pub use tls::{Acme, Certificate, Tls};

use std::path::PathBuf;

use judge::units::{Bytes, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{Network, optional};

/// The configuration of one node.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The name of this host in greetings, `Received` headers and notices. Empty: the system's
    /// host name, or `localhost` if it has none.
    pub hostname: String,
    /// The name under which `Authentication-Results` headers say who sent a message; headers with this name
    /// from outside are removed (RFC 8601). Empty: `hostname`. Hosts that share mailboxes may share it.
    pub authserv_id: String,
    /// The directory of everything that is kept: Backup, message log, policy, state.
    pub data_dir: PathBuf,
    /// Where the policy is kept.
    pub policy: PolicySource,
    /// The SMTP gateway's listeners: one table each.
    pub smtp: Vec<Listener>,
    /// The milter's listeners: one table each. A node that is a milter only says `smtp = []`.
    pub milter: Vec<MilterListener>,
    /// The mail server that accepted mail goes to.
    pub next_hop: NextHop,
    /// Other mail servers for some recipients: one table a route.
    pub route: Vec<Route>,
    /// Mail that is Mailward's own to deliver.
    pub outbox: Outbox,
    /// TLS of all listeners.
    pub tls: Tls,
    /// A certificate from an authority.
    pub acme: Acme,
    /// Who is one of us (D-20).
    pub trust: Trust,
    /// The list of our recipients.
    pub recipients: Recipients,
    /// What this machine takes on at most.
    pub limits: Limits,
    /// The confined processes that examine mail.
    pub workers: Workers,
    /// Engines that run in the workers.
    pub engines: Engines,
    /// An external ClamAV daemon.
    pub clamd: Clamd,
    /// The DNS.
    pub dns: Dns,
    /// Keys that sign outgoing mail: one table a key.
    pub dkim: Vec<Dkim>,
    /// How mail is signed and sealed with these keys.
    pub signing: Signing,
    /// The HTTP interface: health, metrics, API.
    pub http: Http,
    /// The log.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hostname: String::new(),
            authserv_id: String::new(),
            data_dir: PathBuf::from("/var/lib/mailward"),
            policy: PolicySource::default(),
            smtp: vec![Listener::default()],
            milter: Vec::new(),
            next_hop: NextHop::default(),
            route: Vec::new(),
            outbox: Outbox::default(),
            tls: Tls::default(),
            acme: Acme::default(),
            trust: Trust::default(),
            recipients: Recipients::default(),
            limits: Limits::default(),
            workers: Workers::default(),
            engines: Engines::default(),
            clamd: Clamd::default(),
            dns: Dns::default(),
            dkim: Vec::new(),
            signing: Signing::default(),
            http: Http::default(),
            log: Log::default(),
        }
    }
}

impl Config {
    /// The defaults with one table of every list that is empty by default, for the documentation.
    pub(crate) fn documented() -> Self {
        let tls = Tls { certificate: vec![Certificate::default()], ..Tls::default() };
        Self {
            milter: vec![MilterListener::default()],
            route: vec![Route::default()],
            dkim: vec![Dkim::default()],
            tls,
            ..Self::default()
        }
    }

    /// The name of this host: as configured, else the system's, else `localhost`.
    pub fn hostname(&self) -> String {
        if !self.hostname.is_empty() {
            return self.hostname.clone();
        }
        let system = rustix::system::uname().nodename().to_string_lossy().into_owned();
        if crate::values::is_host(&system) { system } else { "localhost".to_owned() }
    }
}

/// Where the policy is kept.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySource {
    /// A TOML file that is then the only source of the policy. Empty: the policy's revisions in
    /// the data directory, edited with `mailward policy`.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub file: Option<PathBuf>,
}

/// The list of our recipients.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Recipients {
    /// A file with one address a line, or a whole domain as `@example.org`; read again with SIGHUP. Others
    /// in these domains are unknown (policy: `before.unknown_recipients`). Empty: the next hop is asked.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub file: Option<PathBuf>,
}

/// Who is one of us.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// Our mail domains; what is below one is ours as well (D-20).
    pub internal_domains: Vec<String>,
    /// Networks of our own clients: their mail comes "over a trusted connection" (TC-01, D-20).
    pub trusted_networks: Vec<Network>,
    /// Networks of mail servers that may say in XFORWARD who the client was (D-20).
    pub trusted_relays: Vec<Network>,
}

impl Default for Trust {
    fn default() -> Self {
        let loopback = || vec![Network(LOOPBACK_4.into()), Network(LOOPBACK_6.into())];
        Self { internal_domains: Vec::new(), trusted_networks: Vec::new(), trusted_relays: loopback() }
    }
}

const LOOPBACK_4: ipnet::Ipv4Net = ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8);
const LOOPBACK_6: ipnet::Ipv6Net = ipnet::Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128);

/// What this machine takes on at most.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest message that is accepted; the next hop's own limit counts if it is lower.
    pub max_message_size: Bytes,
    /// A message larger than this waits in a file, not in memory.
    pub spool_threshold: Bytes,
    /// Most bytes of all messages that are in work at once; beyond it, mail is answered 452.
    pub bytes_in_flight: Bytes,
    /// Most connections of all listeners at once.
    pub connections: u32,
    /// Most connections of one peer at once, for IPv6 of one /64; trusted relays are not counted.
    pub connections_per_peer: u32,
    /// Most recipients of one message; beyond it, 452 (RFC 5321 section 4.5.3.1.10).
    pub recipients: u32,
    /// Take recipients of several routes or policy groups in one message (D-11). If not, those of another
    /// one than the first recipient's are answered 452, and the sender brings their copy by itself.
    pub split_recipients: bool,
    /// Most `Received` headers of a message; one with more goes round in circles and is refused with 5.4.6
    /// (RFC 5321 section 6.3).
    pub hops: u32,
    /// Most errors in one session; then 421.
    pub errors: u32,
    /// Most commands in one session; then 421.
    pub commands: u32,
    /// How long to wait for a command (RFC 5321 section 4.5.3.2.7: at least 5 minutes).
    pub command_timeout: Time,
    /// How long to wait for the next block of a message (RFC 5321 section 4.5.3.2.5).
    pub data_timeout: Time,
    /// How long one message may take to come in.
    pub data_total: Time,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: Bytes(50_000_000),
            spool_threshold: Bytes(256 << 10),
            bytes_in_flight: Bytes(512 << 20),
            connections: 500,
            connections_per_peer: 50,
            recipients: 1000,
            split_recipients: true,
            hops: 50,
            errors: 20,
            commands: 10_000,
            command_timeout: Time(300_000),
            data_timeout: Time(180_000),
            data_total: Time(1_800_000),
        }
    }
}

/// The workers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Workers {
    /// How many there are. 0 = one a processor, at least two.
    pub count: u32,
    /// Most memory of one worker.
    pub memory: Bytes,
    /// Most processor time of one worker for one message.
    pub cpu: Time,
    /// After this many messages a worker is replaced.
    pub retire_after: u32,
    /// One worker is kept for messages up to this size.
    pub small: Bytes,
}

impl Default for Workers {
    fn default() -> Self {
        Self { count: 0, memory: Bytes(512 << 20), cpu: Time(60_000), retire_after: 5000, small: Bytes(1 << 20) }
    }
}

impl Workers {
    /// How many workers to run on a machine with this many processors; at least two, unless the
    /// configuration says one.
    pub fn number(&self, processors: usize) -> usize {
        match self.count {
            0 => processors.max(2),
            count => count as usize,
        }
    }
}
