//! TLS of all listeners: further certificates, and who must not come without.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{DomainMask, Network};

/// TLS of all listeners.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Further certificates: one table each. A client that asks for one of their names (SNI) is shown
    /// that one, on every listener with a certificate; others see the listener's own.
    pub certificate: Vec<Certificate>,
    /// Networks of peers whose mail is taken over TLS only; in clear it is answered 530 5.7.0.
    pub required_from: Vec<Network>,
    /// Sender domains whose mail is taken over TLS only: `example.org` is that domain alone,
    /// `*.example.org` all below it. In clear it is answered 530 5.7.0.
    pub required_senders: Vec<DomainMask>,
}

/// A certificate in files. Both are looked at every few seconds; new ones are used without a reload.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Certificate {
    /// The certificate chain, a PEM file. What names it is for stands in it.
    pub certificate: PathBuf,
    /// The certificate's private key, a PEM file.
    pub key: PathBuf,
}
