//! Routes and the outbox: where mail goes by its recipients, and how long it may wait there.

use std::path::PathBuf;

use judge::units::{Bytes, Time};
use mail::arrival::Direction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClientInfo, HopTls, Protocol};
use crate::values::{DomainMask, HopAddress, optional};

/// Which mail a route is for, by the way it goes (D-20). It is looked at for each recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteDirection {
    /// All mail.
    #[default]
    Any,
    /// Mail from outside to us.
    Incoming,
    /// Mail of our own clients to somebody outside.
    Outgoing,
    /// Mail between our own addresses.
    Internal,
}

impl RouteDirection {
    /// The one direction; `None` for all mail.
    pub fn only(self) -> Option<Direction> {
        match self {
            Self::Any => None,
            Self::Incoming => Some(Direction::Incoming),
            Self::Outgoing => Some(Direction::Outgoing),
            Self::Internal => Some(Direction::Internal),
        }
    }
}

/// One route: mail servers for some recipients. The route with the most exact domain counts, then one
/// with a direction, then the first in the file; `[next_hop]` is for the rest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// Its name in log and figures. Empty: `route-1`, `route-2` and so on.
    pub name: String,
    /// The recipients' domains: `example.org` is that domain alone, `*.example.org` all below it.
    /// Empty: all domains.
    pub domains: Vec<DomainMask>,
    /// Which mail it is for.
    pub direction: RouteDirection,
    /// The mail servers: `host:port` or `unix:/run/dovecot/lmtp`, with `priority=N` (default 10; the lowest is tried first) and
    /// `weight=N` (default 1; the share among those of one priority) behind it. `mx` is whoever takes the
    /// mail of the recipient's domain by its MX records, `mx:example.org` whoever takes that of this one;
    /// `mx::2525` and `mx:example.org:2525` do so at another port than 25.
    pub hops: Vec<HopAddress>,
    /// What is spoken with them.
    pub protocol: Protocol,
    /// Whether connections are encrypted.
    pub tls: HopTls,
    /// Check the servers' certificates: name, time, and who issued them.
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
    /// What these servers are told of clients.
    pub client_info: ClientInfo,
    /// How long to wait for a connection; twice as long until the server is ready for mail.
    pub connect_timeout: Time,
    /// A file with one line `user:password`, or `credential:NAME`, to log in with at these servers. It is used only over
    /// TLS, or on this machine. Clients cannot log in on this route themselves then.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub login_file: Option<PathBuf>,
}

/// The outbox: mail that is Mailward's own to deliver, because its sender has been told 250 or nobody else
/// sends it. It is tried at once, then after `first_retry`, then after twice as long each time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// How long after the first attempt comes the second.
    pub first_retry: Time,
    /// The longest time between two attempts.
    pub longest_retry: Time,
    /// After this time it is given up, and the sender is told (RFC 5321 section 4.5.4.1).
    pub max_age: Time,
    /// After this time the sender is told once that it takes long. 0 = never.
    pub warn_after: Time,
    /// Most attempts at once.
    pub connections: u32,
    /// Most attempts at once on one route.
    pub connections_per_route: u32,
    /// Most mails that it takes; beyond it nothing more is accepted that would need it.
    pub max_mails: u32,
    /// Most bytes on disk.
    pub max_size: Bytes,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            first_retry: Time(300_000),
            longest_retry: Time(3_600_000),
            max_age: Time(5 * 86_400_000),
            warn_after: Time(4 * 3_600_000),
            connections: 20,
            connections_per_route: 5,
            max_mails: 100_000,
            max_size: Bytes(5_000_000_000),
        }
    }
}

impl Default for Route {
    fn default() -> Self {
        Self {
            name: String::new(),
            domains: Vec::new(),
            direction: RouteDirection::default(),
            hops: Vec::new(),
            protocol: Protocol::default(),
            tls: HopTls::default(),
            verify: false,
            ca_file: None,
            certificate: None,
            key: None,
            client_info: ClientInfo::default(),
            connect_timeout: Time(30_000),
            login_file: None,
        }
    }
}

impl Route {
    /// Its name; `at` is its place in the file, from 0.
    pub fn name(&self, at: usize) -> String {
        if self.name.is_empty() { format!("route-{}", at.saturating_add(1)) } else { self.name.clone() }
    }

    /// Whether it takes every recipient.
    pub fn is_for_all(&self) -> bool {
        self.domains.is_empty() && self.direction == RouteDirection::Any
    }
}
