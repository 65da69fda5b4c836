//! What is decided before the body of a message comes: who may talk, how often, and to whom.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rate::Rate;
use crate::units::Time;

/// What is done about something that is not as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Manners {
    /// Nothing.
    #[default]
    Allow,
    /// It is refused.
    Reject,
}

/// Before the body. Nothing here applies to relays, trusted networks and clients that have logged in,
/// but for `rates.*_per_user`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Networks whose connections are refused.
    #[schemars(with = "Vec<String>")]
    pub deny_clients: Vec<IpNet>,
    /// Networks to which nothing of this section applies.
    #[schemars(with = "Vec<String>")]
    pub allow_clients: Vec<IpNet>,
    /// How long the greeting is held back, at most 30 s, to see who talks first.
    pub greeting_delay: Time,
    /// Clients that talk before our greeting.
    pub early_talkers: Manners,
    /// Clients that greet with our own name, with an address that is not their own, or with what is no
    /// host name (RFC 5321 section 4.1.4).
    pub bad_greeting: Manners,
    /// Senders without a domain that could receive an answer: none, one label, an address literal.
    pub bad_sender: Manners,
    /// Most recipients of a message from the null sender, which is for reports to one person; 0: any
    /// number.
    pub null_sender_recipients: u32,
    /// Recipients in our domains that the list of our recipients does not have (`recipients.file` in
    /// `mailward.toml`).
    pub unknown_recipients: Manners,
    /// How much may come from one side in how long.
    pub rates: Rates,
    /// Greylisting.
    pub greylist: Greylist,
    /// Those who try out addresses.
    pub tarpit: Tarpit,
}

impl Default for Before {
    fn default() -> Self {
        Self {
            deny_clients: Vec::new(),
            allow_clients: Vec::new(),
            greeting_delay: Time(0),
            early_talkers: Manners::Allow,
            bad_greeting: Manners::Allow,
            bad_sender: Manners::Allow,
            null_sender_recipients: 0,
            unknown_recipients: Manners::Reject,
            rates: Rates::default(),
            greylist: Greylist::default(),
            tarpit: Tarpit::default(),
        }
    }
}

/// How much in how long; what is over is deferred. A peer is an IPv4 address or an IPv6 network /64.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Connections of one peer.
    pub connections_per_peer: Rate,
    /// Messages of one peer.
    pub messages_per_peer: Rate,
    /// Recipients named by one peer.
    pub recipients_per_peer: Rate,
    /// Messages of one user who has logged in.
    pub messages_per_user: Rate,
    /// Recipients named by one user who has logged in.
    pub recipients_per_user: Rate,
    /// Messages of one sender's address.
    pub messages_per_sender: Rate,
    /// Messages to one recipient.
    pub messages_per_recipient: Rate,
}

/// Greylisting: who is not known yet is asked to come again later, which programs that only send
/// spam do not do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Greylist {
    /// Ask unknown clients to come again.
    pub enabled: bool,
    /// How long the first attempt must be past.
    pub delay: Time,
    /// How long a second attempt may take to come.
    pub window: Time,
    /// How long somebody who came again is remembered after the last message.
    pub remember: Time,
    /// After how many messages that passed a client's network is no longer asked; 0: never.
    pub trust_after: u32,
    /// How many bits of an IPv4 address tell a client: large senders use many addresses.
    #[schemars(range(min = 8, max = 32))]
    pub ipv4_bits: u8,
    /// The same of an IPv6 address.
    #[schemars(range(min = 16, max = 128))]
    pub ipv6_bits: u8,
}

impl Default for Greylist {
    fn default() -> Self {
        Self {
            enabled: false,
            delay: Time(5 * 60_000),
            window: Time(2 * 86_400_000),
            remember: Time(35 * 86_400_000),
            trust_after: 5,
            ipv4_bits: 24,
            ipv6_bits: 64,
        }
    }
}

/// Those who try out addresses: after some refused recipients every further answer takes longer, and
/// in the end the session is closed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tarpit {
    /// From which refused recipient of a session on answers are slow; 0: never.
    pub after: u32,
    /// How much slower each one is than the one before, at most 30 s in all.
    pub step: Time,
    /// After how many refused recipients the session is closed; 0: never.
    pub close_after: u32,
}

impl Default for Tarpit {
    fn default() -> Self {
        Self { after: 0, step: Time(1_000), close_after: 0 }
    }
}
