//! The DNS.

use judge::units::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::DnsServer;

/// The DNS.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dns {
    /// The recursive DNS servers to ask: `"127.0.0.1"`, `"[2001:db8::53]:5353"`. Best is one of your own
    /// on this machine; public ones are refused by most DNS lists. Empty: those of `/etc/resolv.conf`.
    pub servers: Vec<DnsServer>,
    /// How long one question may take, repetitions included (EX-11); the deadline of the message counts if
    /// it comes first.
    pub timeout: Time,
    /// Believe the servers when they say that they have checked an answer's DNSSEC signatures. Only for
    /// validating servers on this machine or behind a line nobody else can write to; DANE needs it.
    pub trust_ad: bool,
}

impl Default for Dns {
    fn default() -> Self {
        Self { servers: Vec::new(), timeout: Time(5_000), trust_ad: false }
    }
}
