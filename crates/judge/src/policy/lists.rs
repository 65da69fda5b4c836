//! What the policy says about lists of senders and recipients (spec sections 13 and 14; D-9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lists of senders and recipients. The lists themselves are no part of the policy: `mailward lists`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SenderLists {
    /// Use the lists (WL-01, BL-01).
    pub enabled: bool,
    /// Use the lists that people have of their own, too (BL-04).
    pub personal: bool,
    /// Let an entry of the allowlist count for an address in From only where SPF, DKIM or DMARC proves that
    /// the message is from its domain (D-9). Anybody can write any address there.
    pub prove_from: bool,
    /// Let no entry of the allowlist count for the envelope's sender where SPF says that the client does not
    /// send for its domain, and nothing else proves it.
    pub prove_envelope: bool,
}

impl Default for SenderLists {
    fn default() -> Self {
        Self { enabled: true, personal: true, prove_from: true, prove_envelope: true }
    }
}
