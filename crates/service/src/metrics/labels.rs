//! Labels of figures about messages: what each of them says.

use prometheus_client::encoding::EncodeLabelSet;

/// Labels of a message.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct MessageLabels {
    /// Where it crossed us.
    pub surface: &'static str,
    /// Which way it went.
    pub direction: &'static str,
    /// What it is.
    pub status: &'static str,
    /// What was done with it.
    pub action: &'static str,
}

/// The label of what monitor mode would have done.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct WouldLabels {
    /// The action.
    pub action: &'static str,
}

/// Labels of a rule that monitor mode only watched.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct WatchedLabels {
    /// Where the message crossed us.
    pub surface: &'static str,
    /// The rule.
    pub rule: &'static str,
}

/// Labels of what was refused before the body of a message.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct EarlyLabels {
    /// Where.
    pub surface: &'static str,
    /// `connect`, `greeting`, `sender` or `recipient`.
    pub stage: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// `refused`, `deferred`, or `watched` in monitor mode.
    pub action: &'static str,
}

/// Labels of a message's spam status.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct SpamLabels {
    /// The status.
    pub status: &'static str,
    /// Why it was not examined for spam: `size_exceeded`, `timeout`, …; empty where it was.
    pub why: &'static str,
}

/// Labels of an answer of a list in the DNS.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct ListLabels {
    /// `dnsbl`, `surbl`, `urls`, `emails` or `files`.
    pub set: &'static str,
    /// `listed`, `absent` or `error`.
    pub said: &'static str,
}

/// Labels of a message about which an entry of a list decided.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct ListedLabels {
    /// `allow` or `deny`.
    pub list: &'static str,
    /// `organisation` or `person`.
    pub owner: &'static str,
    /// `mail_from`, `header_from`, `client` or `recipient`.
    pub by: &'static str,
}

/// Labels of entries of lists of senders and recipients.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct EntriesLabels {
    /// `allow` or `deny`.
    pub list: &'static str,
    /// `organisation` or `person`.
    pub owner: &'static str,
}

/// The label of a report of DMARC.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct DmarcLabels {
    /// `sent`, `nobody` (nobody wants it) or `waiting`.
    pub result: &'static str,
}

/// The label of a report of DMARC that came.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct ReceivedLabels {
    /// `kept`, `known` (it was there), `foreign` (about no domain of ours), `none` (no report in the mail), `cut` (a mail
    /// has more than are read, or some of it cannot be read), `failed` or `busy`.
    pub result: &'static str,
}

/// The label of a sign of spam.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct SignLabels {
    /// Its name in the catalogue.
    pub sign: &'static str,
}

/// Labels of an engine that could not look.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct EngineLabels {
    /// The engine.
    pub engine: &'static str,
    /// Why it could not look.
    pub why: &'static str,
}

/// The label of a message in which a password opened something.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct OpenedLabels {
    /// Where the password came from: `message` or `configured`.
    pub with: &'static str,
}

/// The label of what was taken out of a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct RemovedLabels {
    /// `member` of an archive or message, or a kind of active content: `vba`, `script`, …
    pub what: &'static str,
}

/// Labels of what was found out about who sent a message.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct AuthLabels {
    /// `spf`, `dkim`, `dmarc`, `arc` or `iprev`.
    pub method: &'static str,
    /// `pass`, `fail`, … (RFC 8601 section 2.7).
    pub result: &'static str,
}

/// Labels of a message that was to be signed or sealed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct SignatureLabels {
    /// `dkim` or `arc`.
    pub kind: &'static str,
    /// `made` or `failed`.
    pub result: &'static str,
}

/// The label of a session's end.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct SessionLabels {
    /// How it ended: `quit`, `closed`, `timeout`, `errors`, `refused`, `next_hop`.
    pub end: &'static str,
}
