//! TLS of all listeners: further certificates, who must not come without, and an authority that issues.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{DomainMask, Listen, Network, optional};

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
    /// The certificate's private key, a PEM file, or `credential:NAME` for a credential of the service
    /// manager.
    pub key: PathBuf,
}

/// A certificate that is fetched from an authority and renewed in time (ACME, RFC 8555). Listeners with
/// `acme = true` show it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Acme {
    /// The names it is for, like `mx.example.org`: all in one certificate. Empty: none is fetched.
    pub names: Vec<String>,
    /// Whether you agree to the authority's terms of service. Nothing is fetched without.
    pub agree_to_terms: bool,
    /// The mail address where the authority reaches you. Empty: none.
    pub contact: String,
    /// The authority's directory, an `https:` address.
    pub directory: String,
    /// The certificates of the issuers to trust when we speak with the authority, a PEM file. Empty: the
    /// system's.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub ca_file: Option<PathBuf>,
    /// The address where the authority looks whether a name is ours: port 80 of every name must lead
    /// here. Nothing else is served there.
    pub listen: Listen,
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            agree_to_terms: false,
            contact: String::new(),
            directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            ca_file: None,
            listen: Listen(([0, 0, 0, 0], 80).into()),
        }
    }
}

impl Acme {
    /// Whether a certificate is fetched.
    pub fn is_on(&self) -> bool {
        !self.names.is_empty() && self.agree_to_terms
    }
}
