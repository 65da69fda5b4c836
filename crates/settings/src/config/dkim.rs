//! The keys that sign outgoing mail, and what else they do.

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

/// What becomes of an outgoing message that one of our keys ought to sign, and cannot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SigningFailure {
    /// It leaves without a signature; the log and the figures tell.
    #[default]
    Unsigned,
    /// The client is asked to bring it again later (451).
    Defer,
}

/// Which incoming mail is sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SealWhen {
    /// What had a valid signature or seal, and was changed here.
    #[default]
    Changed,
    /// All that was asked about, for whoever passes it on.
    Always,
}

/// How mail is signed and sealed with the keys of `[[dkim]]`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// What becomes of an outgoing message that one of our keys ought to sign and cannot: its file
    /// cannot be read, or From does not name exactly one author.
    pub failure: SigningFailure,
    /// The domain that seals incoming mail (ARC, RFC 8617) with the first key of `[[dkim]]` that it has:
    /// best an RSA key, which everybody can verify. Empty: nothing is sealed.
    pub seal_domain: String,
    /// Which incoming mail is sealed.
    pub seal: SealWhen,
}
