//! The keys that sign outgoing mail.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::optional;

/// A key that signs outgoing mail (DKIM): one table a key. The domain in From decides which keys sign;
/// all keys of that domain do, so that RSA and Ed25519 can be used side by side.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dkim {
    /// The domain that signs, `example.org`. Its keys also sign for authors in domains below it that have
    /// no key of their own.
    pub domain: String,
    /// The name of the key in the DNS: `selector._domainkey.example.org` (`mailward dkim dns` shows the
    /// record).
    pub selector: String,
    /// The private key: RSA of at least 2048 bits or Ed25519, a PEM file (`mailward dkim keygen`). Read
    /// again with SIGHUP.
    #[serde(with = "optional")]
    #[schemars(with = "String")]
    pub key: Option<PathBuf>,
}
