//! What lists of senders and recipients, and the organisation, say about a message's recipients (spec sections
//! 12 to 14).

use serde::{Deserialize, Serialize};

use crate::untrusted::Untrusted;

/// By what an entry fits a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListedBy {
    /// The envelope's sender.
    MailFrom,
    /// A mailbox in From.
    HeaderFrom,
    /// The client's address.
    Client,
    /// The recipients.
    Recipient,
}

impl ListedBy {
    /// The word for it in JSON, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::MailFrom => "mail_from",
            Self::HeaderFrom => "header_from",
            Self::Client => "client",
            Self::Recipient => "recipient",
        }
    }
}

/// An entry that fits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Listed {
    /// `allow` or `deny`.
    pub list: String,
    /// Only bulk mail is spared (WL-06).
    pub mass_only: bool,
    /// The entry's own name.
    pub id: String,
    /// What it names.
    pub entry: String,
    /// The recipient whose own entry it is; `None`: the organisation's.
    pub owner: Option<String>,
    /// By what it fits.
    pub by: ListedBy,
    /// The address that it fits.
    pub seen: Untrusted<String>,
}

impl Listed {
    /// Whether it is of the denylist.
    pub fn denies(&self) -> bool {
        self.list == "deny"
    }
}

/// How the recipients of a message stand, all of them alike.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Standing {
    /// All of them are ours, of a message that also goes outside (OUT-05).
    pub internal: bool,
    /// The entry that decides.
    pub listed: Option<Listed>,
    /// An entry of the allowlist that would decide, but nothing proves the sender (D-9).
    pub unproven: Option<Listed>,
}
